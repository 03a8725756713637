"""A replay says yes only to right answers, enough of them, from the promoted model."""

import threading
from collections import Counter
from typing import Any

import pytest

from rollouts.checks import replay
from rollouts.checks.replay import ReplayCounts, ReplayPlan
from rollouts.checks.verdict import Outcome
from tests.support import stub_service

DIGEST, ANOTHER = "a" * 64, "b" * 64
PULLS = [{"number": number, "base": {"repo": {"full_name": "example/webshop"}}} for number in range(3)]
MORE = [{"number": number, "base": {"repo": {"full_name": "example/webshop"}}} for number in range(3, 20)]
PLAN = ReplayPlan(seconds=10, rate=4)


class Clock:
    """A clock that moves by sleeping only, in place of the module `time`."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        """Its time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Move it on."""
        assert seconds >= 0
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the replay; requests take no time."""
    found = Clock()
    monkeypatch.setattr(replay, "time", found)
    return found


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


@pytest.mark.parametrize("kind", ["failed", "wrong"])
def test_the_three_most_frequent_reasons_are_named(kind: str) -> None:
    """Of a hundred, the others would hide them; what was counted is said too."""
    counts = ReplayCounts(right=10, **{kind: Counter({f"reason {count}": count for count in (2, 9, 4, 7)})})
    found = replay.judge(DIGEST, counts)
    said = "%d requests failed: reason %d" if kind == "failed" else "%d answers: reason %d"
    assert found.wrong == [said % (count, count) for count in (9, 7, 4)]
    assert ([*found.unclear], found.seen) == ([], ["32 pull requests replayed, 10 scored as they should be"])


def test_each_pull_request_is_replayed_again_and_again(clock: Clock) -> None:
    """At the plan's rate, one in a request, until the time is over."""
    began = clock.now
    with stub_service.serve(answer) as service:
        counts = replay.replay(service.address, [*PULLS, *MORE], DIGEST, PLAN)
    sent = [pull["number"] for path, body in service.asked if path == "/score" for pull in body["pull_requests"]]
    assert counts == ReplayCounts(right=40)
    assert sorted(sent) == sorted([*range(20)] * 2)
    assert clock.now - began == 9.75


def test_the_usual_replay_is_long_and_frequent_enough_for_the_live_metrics(clock: Clock) -> None:
    """Two requests a second for four minutes."""
    with stub_service.serve(answer) as service:
        assert replay.replay(service.address, PULLS, DIGEST, ReplayPlan()) == ReplayCounts(right=480)


def test_a_slow_service_gets_as_many_requests(clock: Clock) -> None:
    """Twenty at once: each of them waits here until all are there."""
    together = threading.Barrier(20, timeout=20)

    def wait(path: str, body: Any) -> tuple[int, dict[str, str], Any]:
        if body:
            together.wait()
        return answer(path, body)

    with stub_service.serve(wait) as service:
        assert replay.replay(service.address, PULLS, DIGEST, PLAN) == ReplayCounts(right=40)


def test_nothing_is_replayed_without_pull_requests_or_an_expected_model(clock: Clock) -> None:
    """Which is not a yes."""
    with stub_service.serve(answer) as service:
        assert replay.replay(service.address, [], DIGEST, PLAN) == ReplayCounts()
        assert replay.replay(service.address, PULLS, None, PLAN) == ReplayCounts()
    assert service.asked == []


def test_the_model_that_was_replaced_may_answer_at_first(clock: Clock) -> None:
    """For as long as connections still lead to its pods, or nothing answers: half a minute, asked twice a second."""
    left: Any = iter([(200, {}, {"digest": ANOTHER}), (500, {}, {}), (200, {}, {"digest": 5})])
    with stub_service.serve(lambda path, body: next(left, None) or answer(path, body)) as service:
        counts = replay.replay(service.address, PULLS, DIGEST, PLAN)
    assert [path for path, _ in service.asked[:5]] == ["/model"] * 4 + ["/score"]
    assert counts == ReplayCounts(right=34)


def test_a_model_that_stays_is_the_wrong_one(clock: Clock) -> None:
    """After half a minute it is judged like any other."""
    with stub_service.serve(lambda path, body: answer(path, body, ANOTHER)) as service:
        counts = replay.replay(service.address, PULLS, DIGEST, ReplayPlan(seconds=40, rate=4))
    assert [path for path, _ in service.asked].count("/model") == 60
    assert (counts.right, counts.failed.total(), counts.wrong.total()) == (0, 0, 40)
    assert replay.judge(DIGEST, counts).outcome is Outcome.FAILED


@pytest.mark.parametrize(("status", "reason"), [(500, "HTTP 500 from "), (404, "HTTP 404 from ")])
def test_errors_are_failed_requests(status: int, reason: str, clock: Clock) -> None:
    """With their reasons."""

    def fail(path: str, body: Any) -> tuple[int, dict[str, str], Any]:
        return (status, {}, {}) if body else answer(path, body)

    with stub_service.serve(fail) as service:
        counts = replay.replay(service.address, PULLS, DIGEST, PLAN)
    assert counts == ReplayCounts(failed=Counter({f"{reason}{service.address}/score": 40}))
    assert replay.judge(DIGEST, counts).outcome is Outcome.FAILED


def test_a_service_that_is_away_fails_each_request(clock: Clock) -> None:
    """Whatever listened there before."""
    with stub_service.serve(answer) as service:
        pass
    counts = replay.replay(service.address, PULLS, DIGEST, ReplayPlan(seconds=40, rate=4))
    assert (counts.right, counts.failed.total(), counts.wrong.total()) == (0, 40, 0)


def test_an_answer_without_a_score_is_wrong(clock: Clock) -> None:
    """Whatever its status is."""
    with stub_service.serve(lambda path, body: (200, {"X-Model-Digest": DIGEST}, {"digest": DIGEST})) as service:
        counts = replay.replay(service.address, PULLS, DIGEST, PLAN)
    assert (counts.right, counts.failed.total(), counts.wrong.total()) == (0, 0, 40)
