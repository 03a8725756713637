"""A replay says yes only to right answers, enough of them, from the promoted model."""

from collections import Counter
from typing import Any

import pytest

from rollouts.checks import replay
from rollouts.checks.replay import ReplayCounts, ReplayPlan
from rollouts.checks.verdict import Outcome
from tests.support import stub_service

DIGEST, ANOTHER = "a" * 64, "b" * 64
PULLS = [{"number": number, "base": {"repo": {"full_name": "example/webshop"}}} for number in range(3)]
QUICK = ReplayPlan(seconds=1, rate=40)


def answer(path: str, body: Any, digest: str = DIGEST) -> tuple[int, dict[str, str], Any]:
    """What a sound service answers."""
    if body is None:
        return 200, {}, {"digest": digest}
    results = [
        {"score": 1.0, "percentile": 50.0, "threshold": 3.0, "level": "standard", "unusual": False, "reasons": ["x"]}
        | {"id": f"{pull['base']['repo']['full_name']}#{pull['number']}"}
        for pull in body["pull_requests"]
    ]
    return 200, {"X-Model-Digest": digest}, {"model": {"digest": digest}, "results": results}


@pytest.mark.parametrize(
    ("counts", "digest", "outcome"),
    [
        (ReplayCounts(right=480), DIGEST, Outcome.PASSED),
        (ReplayCounts(right=20), DIGEST, Outcome.PASSED),
        (ReplayCounts(right=198, failed=Counter({"HTTP 500": 2})), DIGEST, Outcome.PASSED),
        (ReplayCounts(right=197, failed=Counter({"HTTP 500": 3})), DIGEST, Outcome.FAILED),
        (ReplayCounts(failed=Counter({"no answer": 20})), DIGEST, Outcome.FAILED),
        (ReplayCounts(right=479, wrong=Counter({"another model": 1})), DIGEST, Outcome.FAILED),
        (ReplayCounts(right=1, wrong=Counter({"another model": 1})), DIGEST, Outcome.FAILED),
        (ReplayCounts(right=19), DIGEST, Outcome.INCONCLUSIVE),
        (ReplayCounts(), DIGEST, Outcome.INCONCLUSIVE),
        (ReplayCounts(right=480), None, Outcome.INCONCLUSIVE),
    ],
)
def test_a_replay_passes_with_enough_right_answers_only(
    counts: ReplayCounts, digest: str | None, outcome: Outcome
) -> None:
    """A single wrong answer fails it, and one failed request in a hundred does not."""
    assert replay.judge(digest, counts).outcome is outcome


def test_each_pull_request_is_replayed_again_and_again() -> None:
    """One at a time, until the time is over."""
    with stub_service.serve(answer) as service:
        counts = replay.replay(service.address, PULLS, DIGEST, QUICK)
    sent = [pull["number"] for path, body in service.asked if path == "/score" for pull in body["pull_requests"]]
    assert counts == ReplayCounts(right=len(sent))
    assert len(sent) == QUICK.seconds * QUICK.rate
    assert set(sent) == {0, 1, 2}


def test_nothing_is_replayed_without_pull_requests_or_an_expected_model() -> None:
    """Which is no yes."""
    with stub_service.serve(answer) as service:
        assert replay.replay(service.address, [], DIGEST, QUICK) == ReplayCounts()
        assert replay.replay(service.address, PULLS, None, QUICK) == ReplayCounts()
    assert service.asked == []


def test_the_model_that_was_replaced_may_answer_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """For as long as connections still lead to its pods; afterwards it is the wrong one."""
    monkeypatch.setattr(replay, "POLL_SECONDS", 0.01)
    left = iter([ANOTHER, ANOTHER])
    with stub_service.serve(lambda path, body: answer(path, body, next(left, DIGEST))) as service:
        counts = replay.replay(service.address, PULLS, DIGEST, QUICK)
    assert (counts.right, counts.wrong) == (counts.requests, Counter())
    monkeypatch.setattr(replay, "SWITCH_SECONDS", 0.1)
    with stub_service.serve(lambda path, body: answer(path, body, ANOTHER)) as service:
        counts = replay.replay(service.address, PULLS, DIGEST, QUICK)
    assert (counts.right, counts.wrong.total()) == (0, counts.requests)
    assert replay.judge(DIGEST, counts).outcome is Outcome.FAILED


def test_errors_and_a_service_that_is_away_are_failed_requests() -> None:
    """With their reasons."""
    plan = ReplayPlan(seconds=0.5, rate=60)

    def fail(path: str, body: Any) -> tuple[int, dict[str, str], Any]:
        return (500, {}, {}) if body else answer(path, body)

    with stub_service.serve(fail) as service:
        counts = replay.replay(service.address, PULLS, DIGEST, plan)
        assert "HTTP 500" in next(iter(counts.failed))
        assert (counts.right, counts.failed.total()) == (0, counts.requests)
    assert replay.judge(DIGEST, counts).outcome is Outcome.FAILED
