"""The load test's verdict is yes only for figures that hold, and each way to a wrong yes is closed."""

import gzip
import json
import math
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from rollouts.checks.load import answers, gate, pulls
from rollouts.checks.load.settings import LoadSettings

LIMITS = gate.LoadLimits(p95_ms=50, p99_ms=100, failure_share=0.01, throughput=50)
DIGEST = "d" * 64
NAN = math.nan


def measured(*times: float, seconds: float = 1.0, **others: Counter[str]) -> gate.LoadMeasurements:
    """What was seen of right answers in these times, and other things."""
    return gate.LoadMeasurements(times={gate.SINGLE: list(times), gate.LIST: []}, seconds=seconds, **others)


def good(count: int = 1_000) -> list[float]:
    """Times that hold."""
    return [5.0] * count


def names(found: list[str]) -> list[str]:
    """What the lines are about."""
    return [line.partition(":")[0] for line in found]


def test_figures_that_hold_pass() -> None:
    """Nothing is broken."""
    assert gate.find_broken_limits(measured(*good()), LIMITS) == []


def test_a_figure_at_its_limit_passes() -> None:
    """A limit is what may just be."""
    times = [*[50.0] * 95, *[100.0] * 5]
    assert gate.find_broken_limits(measured(*times, seconds=2), LIMITS) == []


@pytest.mark.parametrize(
    ("figures", "about"),
    [
        (measured(*good(900), *[60.0] * 100), ["p95"]),
        (measured(*good(980), *[120.0] * 20), ["p99"]),
        (measured(*good(), seconds=30), ["throughput"]),
        (measured(*good(), failures=Counter({"HTTP 500": 50})), ["failures"]),
        (measured(*good(), wrong_model=Counter({"the body names another": 1})), ["wrong model"]),
        (measured(*good(), wrong_answers=Counter({"score is not a finite number": 1})), ["wrong answers"]),
        (measured(*good(99)), ["too few requests"]),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_each_limit_is_broken_for_itself(figures: gate.LoadMeasurements, about: list[str]) -> None:
    """And named."""
    assert names(gate.find_broken_limits(figures, LIMITS)) == about


def test_no_requests_are_no_yes() -> None:
    """Neither quick nor free of failures."""
    found = names(gate.find_broken_limits(gate.LoadMeasurements(seconds=30), LIMITS))
    assert found == ["too few requests", "failures", "p95", "p99", "throughput"]


def test_failures_that_come_quickly_are_not_quick_answers() -> None:
    """Where all failed there is no time to measure."""
    figures = measured(failures=Counter({"HTTP 503": 10_000}))
    assert names(gate.find_broken_limits(figures, LIMITS)) == ["failures", "p95", "p99", "throughput"]


def test_wrong_answers_do_not_count_for_the_throughput() -> None:
    """However many they are."""
    figures = measured(*good(10), wrong_answers=Counter({"reasons are missing": 10_000}))
    assert names(gate.find_broken_limits(figures, LIMITS)) == ["wrong answers", "throughput"]


def test_a_time_that_is_no_number_is_no_yes() -> None:
    """Sorted anywhere."""
    assert set(names(gate.find_broken_limits(measured(*[NAN] * 1_000), LIMITS))) >= {"p95", "p99"}


@pytest.mark.parametrize("seconds", [NAN, 0.0, -5.0])
def test_a_test_that_took_no_time_is_no_yes(seconds: float) -> None:
    """There is no throughput without a duration."""
    assert names(gate.find_broken_limits(measured(*good(), seconds=seconds), LIMITS)) == ["throughput"]


@pytest.mark.parametrize("field", ["p95_ms", "p99_ms", "failure_share", "throughput"])
def test_a_limit_that_is_no_number_holds_nothing(field: str) -> None:
    """The comparison fails."""
    limits = gate.LoadLimits(**{**LIMITS.__dict__, field: NAN})
    assert len(gate.find_broken_limits(measured(*good()), limits)) == 1


@pytest.mark.parametrize("name", ["P95_MS", "P99_MS", "FAILURE_SHARE", "THROUGHPUT", "RATE", "PATIENCE"])
@pytest.mark.parametrize("value", ["nan", "-1", "inf", "much"])
def test_settings_take_no_limit_that_would_hold_everything(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor one that makes no sense."""
    monkeypatch.setenv(f"LOAD_{name}", value)
    with pytest.raises(ValidationError):
        LoadSettings()


@pytest.mark.parametrize(("count", "share", "place"), [(100, 0.99, 99), (100, 0.95, 95), (1, 0.99, 1), (150, 0.5, 75)])
def test_a_percentile_is_one_of_the_times(count: int, share: float, place: int) -> None:
    """The smallest within which the share lies."""
    assert gate.percentile(list(range(count, 0, -1)), share) == place


def test_the_table_can_show_nothing() -> None:
    """No error where there was no answer."""
    assert "0 requests" in gate.format_table(gate.LoadMeasurements(seconds=1))


def answer(*ids: str, **changes: Any) -> dict[str, Any]:
    """A right answer, each of its results changed."""
    result = {"score": 1.0, "percentile": 50, "threshold": 6.0, "level": "standard", "unusual": False}
    results = [{"id": one, **result, "reasons": ["changes 3 lines"], **changes} for one in ids]
    return {"model": {"digest": DIGEST}, "results": results}


def verdict(content: Any, *, digest: str | None = DIGEST, status: int = 200) -> str:
    """What is said of it as an answer to two pull requests."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    headers = {"X-Model-Digest": digest} if digest else {}
    try:
        answers.check(["o/n#1", "o/n#2"], status, headers, body, DIGEST)
    except (answers.RequestFailed, answers.WrongModel, answers.WrongAnswer) as error:
        return f"{type(error).__name__}: {error}"
    return "right"


def test_a_right_answer_is_right() -> None:
    """With a result for each, in order."""
    assert verdict(answer("o/n#1", "o/n#2")) == "right"


@pytest.mark.parametrize("status", [0, 204, 301, 422, 503])
def test_another_status_is_a_failure(status: int) -> None:
    """Whatever the body says."""
    assert verdict(answer("o/n#1", "o/n#2"), status=status).startswith("RequestFailed: ")


@pytest.mark.parametrize("digest", [None, "", "e" * 64])
def test_a_header_without_the_digest_is_a_wrong_model(digest: str | None) -> None:
    """Missing, empty, another."""
    assert verdict(answer("o/n#1", "o/n#2"), digest=digest).startswith("WrongModel: the header")


def test_a_body_without_the_digest_is_a_wrong_model() -> None:
    """Though the header is right."""
    wrong = answer("o/n#1", "o/n#2") | {"model": {"digest": "e" * 64}}
    assert verdict(wrong) == "WrongModel: the body names eeeeeeeeeeee instead of dddddddddddd"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"[]",
        {"model": None, "results": []},
        answer(),
        answer("o/n#1"),
        answer("o/n#2", "o/n#1"),
        {**answer(), "results": {"o/n#1": 1, "o/n#2": 2}},
        {**answer(), "results": [None, None]},
        answer("o/n#1", "o/n#2", score=NAN),
        answer("o/n#1", "o/n#2", score=None),
        answer("o/n#1", "o/n#2", percentile=math.inf),
        answer("o/n#1", "o/n#2", threshold=True),
        answer("o/n#1", "o/n#2", level="odd"),
        answer("o/n#1", "o/n#2", unusual=True),
        answer("o/n#1", "o/n#2", reasons="none"),
        answer("o/n#1", "o/n#2", reasons=[""]),
    ],
    ids=lambda content: str(content)[:60],
)
def test_an_answer_that_is_not_whole_is_wrong(content: Any) -> None:
    """Each of these was answered with 200."""
    assert verdict(content).startswith("WrongAnswer: ")


@pytest.mark.parametrize("name", ["some.jsonl", "some.jsonl.gz"])
def test_own_pull_requests_can_be_sent(name: str, tmp_path: Path) -> None:
    """One on each line of a file, which may be compressed."""
    content = b'{"number": 1}\n\n{"number": 2}\n'
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    assert pulls.load_pull_requests(tmp_path / name) == [{"number": 1}, {"number": 2}]


@pytest.mark.parametrize("content", ["", "\n", "<html>"])
def test_a_file_without_pull_requests_is_refused(content: str, tmp_path: Path) -> None:
    """Nothing could be sent."""
    (tmp_path / "none.jsonl").write_text(content)
    with pytest.raises(ValueError, match=r"no pull requests|Expecting value"):
        pulls.load_pull_requests(tmp_path / "none.jsonl")


def test_what_is_sent_is_what_github_sends() -> None:
    """Singly and several at once, with the ids that the answers must have."""
    made = pulls.load_pull_requests(None)
    several = list(islice(pulls.generate_requests(made), 500))
    assert {len(one.ids) for one in several} >= {1, 2, 10}
    for one in several:
        sent = json.loads(one.body)["pull_requests"]
        assert one.ids == [f"{pull['base']['repo']['full_name']}#{pull['number']}" for pull in sent]
        assert all({"_links", "head", "merged", "additions"} <= pull.keys() for pull in sent)
