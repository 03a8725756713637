"""The decision on a training: now, once, and not again before the cool-down has passed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from steps.monitor.comparison import DriftComparison, Verdict


class Circumstances(NamedTuple):
    """What a decision depends on besides the comparisons.

    `unseen` is the number of recent pull requests that no training has seen, `running` the workflows that train now,
    `requested_at` when drift last led to a training. `instead` says who trains where the step starts nothing.
    """

    unseen: int
    running: Sequence[str]
    requested_at: datetime | None
    now: datetime
    cool_down: timedelta
    instead: str = ""


class TrainingDecision(NamedTuple):
    """Whether to train now, and why or why not."""

    retrain: bool
    reason: str


def summarise(comparisons: Sequence[DriftComparison]) -> tuple[Verdict, str]:
    """Return one verdict on all comparisons, with its reason; without a comparison that could be made, `unknown`."""
    by_verdict = {word: [one for one in comparisons if one.verdict == word] for word in ("drift", "stable", "unknown")}
    drifted, stable, unknown = by_verdict.values()
    if drifted:
        return "drift", "; ".join(f"{one.repository}: {one.reason}" for one in drifted)
    missing = "; ".join(f"{one.repository}: {one.reason}" for one in unknown)
    if damaged := [one for one in unknown if one.damaged]:
        return "unknown", "; ".join(f"{one.repository}: {one.reason}" for one in damaged)
    if not stable:
        return "unknown", missing or "there are no pull requests to compare"
    compared = ", ".join(one.repository for one in stable)
    return "stable", f"compared: {compared}" + (f"; not compared: {missing}" if missing else "")


def decide(verdict: Verdict, circumstances: Circumstances) -> TrainingDecision:
    """Decide whether to train now."""
    if verdict != "drift":
        return TrainingDecision(False, "no drift was found" if verdict == "stable" else "nothing is known of drift")
    if not circumstances.unseen:
        return TrainingDecision(False, "the latest training has seen these pull requests already")
    if circumstances.running:
        return TrainingDecision(False, f"{', '.join(circumstances.running)} is running")
    last = circumstances.requested_at
    if last and circumstances.now - last < circumstances.cool_down:
        return TrainingDecision(False, f"drift led to a training at {last:%Y-%m-%d %H:%M} UTC, within the cool-down")
    if circumstances.instead:
        return TrainingDecision(False, circumstances.instead)
    return TrainingDecision(True, "the pull requests differ from those that the champion knows")
