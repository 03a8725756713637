"""What the monitor would have reported: through the years without a change, and after each change."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np

from benchmarks.drift.changes import CHANGES
from benchmarks.drift.streams import BEFORE, CHANGED, Stream, to_sample
from steps.monitor.comparison import MAX_REFERENCE, Pair, Sample, compare, compare_all, concatenate
from steps.monitor.decision import Circumstances, decide, summarise
from steps.monitor.reading import build_pairs, list_quantities
from steps.scoring.model import Model

REFERENCE_SHARE = 0.4
"""The share of a dataset that validation and test have."""
MIN_TRAINED = 300
CHECK_DAYS = 7
STEP = 10
"""Pull requests between two comparisons after a change."""


class Alarm(NamedTuple):
    """A training that drift would have led to."""

    at: datetime
    reason: str


@dataclass(frozen=True)
class Replay:
    """Alarms of several years, and the months that they cover."""

    alarms: list[Alarm]
    months: float


def cut_reference(sample: Sample, known: int) -> Sample:
    """Return the reference of a champion that knows the first pull requests of a repository."""
    return sample.select(slice(max(known - MAX_REFERENCE, int(known * (1 - REFERENCE_SHARE))), known))


def replay(samples: Mapping[str, Sample], model: Model, start: datetime, end: datetime, cool_down: timedelta) -> Replay:
    """Replay the checks from start to end; each training makes what was opened until then the champion's reference."""
    alarms: list[Alarm] = []
    references, known = _train(samples, start)
    now = start
    while (now := now + timedelta(days=CHECK_DAYS)) <= end:
        opened = {name: int(np.searchsorted(sample.opened, now.timestamp())) for name, sample in samples.items()}
        recent = {
            name: sample.select(slice(known.get(name, 0), opened[name]))
            for name, sample in samples.items()
            if opened[name] > known.get(name, 0)
        }
        pairs = {name: pair for name, pair in build_pairs(references, recent).items() if len(pair.recent)}
        verdict, reason = summarise(compare_all(pairs, list_quantities(model), model.alert_budget))
        requested = alarms[-1].at if alarms else None
        if decide(verdict, Circumstances(1, [], requested, now, cool_down)).retrain:
            alarms.append(Alarm(now, reason))
            references, known = _train(samples, now)
    return Replay(alarms, (end - start) / timedelta(days=365.25 / 12))


def _train(samples: Mapping[str, Sample], now: datetime) -> tuple[dict[str, Sample], dict[str, int]]:
    known = {name: int(np.searchsorted(sample.opened, now.timestamp())) for name, sample in samples.items()}
    enough = {name: rows for name, rows in known.items() if rows >= MIN_TRAINED}
    return {name: cut_reference(samples[name], rows) for name, rows in enough.items()}, enough


def find_changes(streams: Mapping[str, Stream], model: Model) -> dict[str, dict[str, int | None]]:
    """Return by change and repository after how many pull requests it is found, None for never.

    `unchanged` is what would have been found in the same pull requests without a change.
    """
    found: dict[str, dict[str, int | None]] = {"unchanged": {}, **{name: {} for name in CHANGES}}
    for name, stream in streams.items():
        whole = to_sample(model, name, stream.opened, stream.features)
        onset = len(whole) - CHANGED
        reference = cut_reference(whole, onset - BEFORE)
        before = whole.select(slice(onset - BEFORE, onset))
        found["unchanged"][name] = _find(name, reference, before, whole.select(slice(onset, None)), model)
        for change in CHANGES:
            opened, features = stream.changed_opened[change], stream.changed_features[change]
            found[change][name] = _find(name, reference, before, to_sample(model, name, opened, features), model)
    return found


def _find(name: str, reference: Sample, before: Sample, after: Sample, model: Model) -> int | None:
    for count in range(STEP, len(after) + 1, STEP):
        pair = Pair(reference, concatenate([before, after.select(slice(0, count))]))
        if compare(name, pair, list_quantities(model), model.alert_budget).verdict == "drift":
            return count
    return None


def parse_day(text: str) -> datetime:
    """Parse a day as the begin of it in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
