"""One pass over each repository: later pull requests and injected ones, each as of the moment of its opening."""

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection import product
from benchmarks.detection.metrics import Bools, Floats
from benchmarks.detection.product import Injector
from benchmarks.detection.records import Injected
from steps.common.accounts import account_created
from steps.common.pull_request import PullRequest
from steps.scoring.history import History

YOUNG = timedelta(days=30)

Row = dict[str, Any]


@dataclass(frozen=True)
class Candidate:
    """A pull request to judge: its complete row, and what simple rules may know of it besides.

    `kind` is None for real ones. `merged_before` counts merged ones of its author, as of its opening; `is_young` is
    True for an account of less than a month, None where its age is not known.
    """

    row: Row
    kind: str | None
    merged_before: int
    is_young: bool | None


@dataclass
class Candidates:
    """Many candidates side by side; those of a repository in the order of their opening."""

    each: list[Candidate]
    features: Floats = field(init=False)
    repositories: NDArray[np.object_] = field(init=False)
    kinds: NDArray[np.object_] = field(init=False)

    def __post_init__(self) -> None:
        """Take the columns out."""
        self.features = np.stack([product.to_vector(one.row) for one in self.each])
        self.repositories = np.array([one.row["repository"] for one in self.each], object)
        self.kinds = np.array([one.kind for one in self.each], object)

    @property
    def real(self) -> Bools:
        """The rows that are real [rows]."""
        return np.array([kind is None for kind in self.kinds])


class Merges:
    """How many merged pull requests each author has at a moment."""

    def __init__(self) -> None:
        """Begin with none."""
        self._merged: Counter[str] = Counter()
        self._pending: list[tuple[datetime, str]] = []

    def count(self, author: str, at: datetime) -> int:
        """Count the author's pull requests that were merged by then."""
        due = [merge for merge in self._pending if merge[0] <= at]
        if due:
            self._pending = [merge for merge in self._pending if merge[0] > at]
            self._merged.update(login for _, login in due)
        return self._merged[author]

    def update(self, pull: PullRequest) -> None:
        """Take a pull request in, which may be merged later."""
        if pull.merged_at:
            self._pending.append((pull.merged_at, pull.user.login))


class RepositoryPass:
    """The pass over one repository, in the order of opening, as serving goes it."""

    def __init__(self, history: History, later: set[int], injector: Injector | None, given: Sequence[Injected]) -> None:
        """Begin before the first pull request.

        Args:
            history: at its beginning.
            later: numbers of the pull requests to judge.
            injector: draws what is injected beside these; None for nothing.
            given: pull requests to inject, in the order of their opening.
        """
        self._history = history
        self._later = later
        self._injector = injector
        self._given = deque(given)
        self._groups: dict[str, list[Row]] = {}
        self._merges = Merges()

    def judge(self, pulls: Sequence[PullRequest]) -> Iterator[Candidate]:
        """Yield each later pull request and each injected one."""
        for pull, row in zip(pulls, product.to_rows(pulls), strict=True):
            yield from self._given_until(pull.created_at)
            if pull.number in self._later:
                yield self._candidate(row, None)
                yield from self._draw(row)
            self._update(pull, row)
        yield from self._given_until(None)

    def _given_until(self, at: datetime | None) -> Iterator[Candidate]:
        while self._given and (at is None or self._given[0].created_at < at):
            one = self._given.popleft()
            pull = PullRequest.model_validate(one.raw)
            (row,) = product.to_rows([pull])
            company = self._groups.setdefault(one.group, []) if one.group else []
            yield self._candidate(row, one.kind, company)
            company.append(row)

    def _draw(self, row: Row) -> Iterator[Candidate]:
        if self._injector:
            for kind, company in self._injector.draw(row):
                yield self._candidate(company[-1], kind, company[:-1])

    def _candidate(self, row: Row, kind: str | None, company: Sequence[Row] = ()) -> Candidate:
        at = row["created_at"]
        merged, account = self._merges.count(row["author"], at), row["author_id"]
        young = None if account is None else at - account_created(account) < YOUNG
        return Candidate(product.complete(row, self._history, company), kind, merged, young)

    def _update(self, pull: PullRequest, row: Row) -> None:
        self._history.update(row)
        self._merges.update(pull)
        if self._injector:
            self._injector.update(row)
