"""The replay: recent pull requests, sent steadily to a promoted revision, so that one which nobody asks is judged too.

Their scores count in the live metrics as checks, not as people's requests, and are not stored.
"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import cycle
from random import Random
from typing import Any

from rollouts.checks.load.answers import RequestFailed, WrongAnswer, WrongModel
from rollouts.checks.service import ServiceClient
from rollouts.checks.verdict import CheckVerdict

SEED = 5
WORKERS = 20
"""Requests at once: a service that takes seconds for each is asked no less often for it."""
SWITCH_SECONDS = 30.0
"""Time until the active Service's connections lead to the promoted revision alone."""
POLL_SECONDS = 0.5
MIN_REQUESTS = 20
MAX_FAILURE_SHARE = 0.01
"""As in the live metrics."""


@dataclass(frozen=True)
class ReplayPlan:
    """The duration of a replay [s], and its requests per second: of 120 a minute, a single one may fail by chance."""

    seconds: float = 240
    rate: float = 2


@dataclass
class ReplayCounts:
    """The counts of right answers, of failed requests, and of answers that are wrong, the latter two by reason."""

    right: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)

    @property
    def requests(self) -> int:
        """The number of all requests."""
        return self.right + self.failed.total() + self.wrong.total()


def judge(digest: str | None, counts: ReplayCounts) -> CheckVerdict:
    """Judge the counts of a replay to the service that should have the model with this digest."""
    seen = [f"{counts.requests} pull requests replayed, {counts.right} scored as they should be"]
    if digest is None:
        return CheckVerdict(unclear=["no expected digest was given"], seen=seen)
    wrong = [f"{count} answers: {reason}" for reason, count in counts.wrong.most_common(3)]
    if counts.requests < MIN_REQUESTS:
        return CheckVerdict(wrong, [f"{counts.requests} requests are too few, {MIN_REQUESTS} are needed"], seen)
    if counts.failed.total() > MAX_FAILURE_SHARE * counts.requests:
        wrong += [f"{count} requests failed: {reason}" for reason, count in counts.failed.most_common(3)]
    return CheckVerdict(wrong, seen=seen)


def replay(address: str, pulls: Sequence[Any], digest: str | None, plan: ReplayPlan) -> ReplayCounts:
    """Replay pull requests to a service until the plan's time is over, again and again if they are few.

    Args:
        address: the URL of the service.
        pulls: pull requests in GitHub's REST form; without any, nothing is sent.
        digest: the digest of the model that must answer; without one, nothing is sent.
        plan: how long and how often to send.
    """
    counts = ReplayCounts()
    if digest is None or not pulls:
        return counts
    until = time.monotonic() + plan.seconds
    service = ServiceClient(address)
    _wait_for_switch(service, digest)
    order = Random(SEED).sample(pulls, len(pulls))  # noqa: S311 - the same one each time
    with ThreadPoolExecutor(WORKERS) as pool:
        for error in pool.map(lambda pull: _score(service, pull, digest), _pace(order, until, plan.rate)):
            if error is None:
                counts.right += 1
            else:
                (counts.failed if isinstance(error, RequestFailed) else counts.wrong)[str(error)] += 1
    return counts


def _pace(pulls: Sequence[Any], until: float, rate: float) -> Iterator[Any]:
    """Yield pull requests at a rate, until a time of the monotonic clock."""
    due = time.monotonic()
    for pull in cycle(pulls):
        if due >= until:
            return
        time.sleep(max(0.0, due - time.monotonic()))
        yield pull
        due += 1 / rate


def _score(service: ServiceClient, pull: Any, digest: str) -> Exception | None:
    """Score a pull request, and return what was wrong with the answer."""
    try:
        service.results([pull], digest)
    except (RequestFailed, WrongAnswer, WrongModel) as error:
        return error
    return None


def _wait_for_switch(service: ServiceClient, digest: str) -> None:
    """Wait until the promoted revision answers; whatever answers after SWITCH_SECONDS is judged as if it were."""
    until = time.monotonic() + SWITCH_SECONDS
    while time.monotonic() < until:
        try:
            if service.digest() == digest:
                return
        except (RequestFailed, WrongAnswer):
            pass
        time.sleep(POLL_SECONDS)
