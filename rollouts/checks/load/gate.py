"""The limits of the load test: figures and limits in, broken limits out."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

MIN_REQUESTS = 100
"""The minimum for a meaningful 99th percentile."""
SINGLE, LIST = "one pull request", "several at once"


@dataclass(frozen=True)
class LoadLimits:
    """The limits of the load test."""

    p95_ms: float
    p99_ms: float
    failure_share: float
    throughput: float


@dataclass
class LoadMeasurements:
    """The measurements: times of correct answers [ms] by kind of request, and counts of all others by reason."""

    times: dict[str, list[float]] = field(default_factory=lambda: {SINGLE: [], LIST: []})
    failures: Counter[str] = field(default_factory=Counter)
    wrong_model: Counter[str] = field(default_factory=Counter)
    wrong_answers: Counter[str] = field(default_factory=Counter)
    seconds: float = math.nan

    @property
    def right(self) -> list[float]:
        """The times of all correct answers."""
        return [time for times in self.times.values() for time in times]

    @property
    def requests(self) -> int:
        """The number of all requests."""
        others = (self.failures, self.wrong_model, self.wrong_answers)
        return len(self.right) + sum(counts.total() for counts in others)


def percentile(times: Sequence[float], share: float) -> float:
    """Return the time within which a share of the answers arrived; NaN without answers."""
    if not times:
        return math.nan
    return sorted(times)[math.ceil(share * len(times)) - 1]


def find_broken_limits(measured: LoadMeasurements, limits: LoadLimits) -> list[str]:
    """Return a line for each broken limit; NaN breaks every limit."""
    return list(_find_broken_limits(measured, limits))


def _find_broken_limits(measured: LoadMeasurements, limits: LoadLimits) -> Iterator[str]:
    requests, right = measured.requests, measured.right
    if requests < MIN_REQUESTS:
        yield f"too few requests: {requests}; {MIN_REQUESTS} are needed"
    share = measured.failures.total() / requests if requests else math.nan
    if not share <= limits.failure_share:
        why = _format_reasons(measured.failures)
        yield f"failures: {100 * share:.2f} % of the requests, limit {100 * limits.failure_share:g} %{why}"
    if measured.wrong_model:
        yield f"wrong model: {measured.wrong_model.total()} answers{_format_reasons(measured.wrong_model)}"
    if measured.wrong_answers:
        yield f"wrong answers: {measured.wrong_answers.total()}{_format_reasons(measured.wrong_answers)}"
    for name, share, limit in (("p95", 0.95, limits.p95_ms), ("p99", 0.99, limits.p99_ms)):
        time = percentile(right, share)
        if not time <= limit:
            yield f"{name}: {time:.0f} ms, limit {limit:g} ms" if right else f"{name}: no correct answer to measure"
    throughput = len(right) / measured.seconds if measured.seconds > 0 else math.nan
    if not throughput >= limits.throughput:
        yield f"throughput: {throughput:.1f} correct answers a second, at least {limits.throughput:g} required"


def _format_reasons(counts: Counter[str]) -> str:
    return "".join(f"; {count} x {reason}" for reason, count in counts.most_common(3))


def format_table(measured: LoadMeasurements) -> str:
    """Format the figures as a table with a line for each kind of request."""
    lines = [f"{'':<20}{'correct':>8}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'max ms':>9}"]
    for name, times in (*measured.times.items(), ("all", measured.right)):
        cells = [f"{percentile(times, share):>9.1f}" for share in (0.5, 0.95, 0.99, 1)]
        lines.append(f"{name:<20}{len(times):>8,}{''.join(cells)}")
    failed = measured.requests - len(measured.right)
    rate = measured.requests / measured.seconds if measured.seconds > 0 else math.nan
    lines.append(
        f"{measured.requests:,} requests in {measured.seconds:.0f} s, {rate:.0f} a second; {failed:,} not correct"
    )
    return "\n".join(lines)
