"""One verdict on all repositories, and a training that is started once."""

from datetime import UTC, datetime, timedelta

import pytest

from steps.monitor.comparison import DriftComparison, Verdict
from steps.monitor.decision import Circumstances, decide, summarise

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FREE = Circumstances(unseen=30, running=[], requested_at=None, now=NOW, cool_down=timedelta(days=7))
DRIFT = DriftComparison("a/drift", "drift", "size (0.50, usual up to 0.25)", 200, 1000)
STABLE = DriftComparison("a/stable", "stable", "200 pull requests are as before", 200, 1000)
FEW = DriftComparison("a/few", "unknown", "3 recent pull requests; 100 are needed", 3, 1000)
DAMAGED = DriftComparison("a/damaged", "unknown", "no usable values of score", 200, 1000, damaged=True)


@pytest.mark.parametrize(
    ("comparisons", "verdict", "named"),
    [
        ([], "unknown", "no pull requests"),
        ([FEW], "unknown", "a/few: 3 recent"),
        ([STABLE], "stable", "a/stable"),
        ([STABLE, FEW], "stable", "not compared: a/few"),
        ([STABLE, DAMAGED], "unknown", "a/damaged: no usable"),
        ([STABLE, FEW, DAMAGED, DRIFT], "drift", "a/drift: size"),
    ],
)
def test_the_verdict_names_what_it_rests_on(comparisons: list[DriftComparison], verdict: Verdict, named: str) -> None:
    """Drift anywhere is drift; damage anywhere is not stable; too few pull requests in some place are usual."""
    found, reason = summarise(comparisons)
    assert found == verdict
    assert named in reason


def test_drift_leads_to_a_training() -> None:
    """Where nothing stands against it."""
    assert decide("drift", FREE).retrain


@pytest.mark.parametrize(
    ("verdict", "circumstances", "reason"),
    [
        ("stable", FREE, "no drift was found"),
        ("unknown", FREE, "nothing is known of drift"),
        ("drift", FREE._replace(unseen=0), "has seen these pull requests already"),
        ("drift", FREE._replace(running=["pr-sentinel-1772332200"]), "pr-sentinel-1772332200 is running"),
        ("drift", FREE._replace(requested_at=NOW - timedelta(days=6, hours=23)), "at 2026-02-22 13:00 UTC"),
        ("drift", FREE._replace(instead="`make run` trains on them"), "`make run` trains on them"),
    ],
)
def test_there_is_no_training_without_need(verdict: Verdict, circumstances: Circumstances, reason: str) -> None:
    """Each decision says why."""
    found = decide(verdict, circumstances)
    assert not found.retrain
    assert reason in found.reason


def test_after_the_cool_down_drift_leads_to_a_training_again() -> None:
    """It has passed at its last moment."""
    assert decide("drift", FREE._replace(requested_at=NOW - timedelta(days=7))).retrain
