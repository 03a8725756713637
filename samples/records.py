"""The fake server's pull requests, and the state of a repository at a moment."""

from bisect import bisect_right
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from samples.files import File


@dataclass(frozen=True, slots=True)
class Pull:
    """One pull request; moments are ISO 8601 in UTC, as GitHub writes them."""

    number: int
    title: str
    body: str
    author: str | None
    bot: bool
    association: str
    draft: bool
    created_at: str
    updated_at: str
    closed_at: str | None
    merged_at: str | None
    additions: int
    deletions: int
    changed_files: int
    commits: int
    labels: tuple[str, ...]
    assignees: tuple[str, ...]
    base: str
    account: int | None
    """The number of the author's account, where it is known."""
    head: str
    fork: bool
    """Whether the branch is in another repository."""
    files: tuple[File, ...]
    """The first of the changed files, in the order of their paths."""
    lock_reason: str | None = None
    """The reason for which its conversation is locked, as GitHub's REST API writes it."""

    def at(self, now: str) -> "Pull | None":
        """Return the visible state at a moment, or None before it was opened."""
        if self.created_at > now:
            return None
        if self.updated_at <= now:
            return self
        if self.closed_at and self.closed_at <= now:
            return replace(self, updated_at=self.closed_at)
        return replace(self, closed_at=None, merged_at=None, updated_at=self.created_at)


class Entry(NamedTuple):
    """A position in the order of updates; `pull` is None if it is broken on purpose."""

    updated_at: str
    number: int
    pull: Pull | None


@dataclass
class SampleRepository:
    """A synthetic repository; `changes` replaces fields of single pull requests, or removes one (None)."""

    full_name: str
    pulls: dict[int, Pull]
    changes: dict[int, dict[str, Any] | None] = field(default_factory=dict)
    _seen: dict[str, list[Entry]] = field(default_factory=dict)

    def at(self, now: str) -> list[Entry]:
        """Return all entries at a moment, least recently updated first."""
        if now not in self._seen:
            self._seen = {now: sorted(self._entry(seen) for pull in self.pulls.values() if (seen := pull.at(now)))}
        return self._seen[now]

    def after(self, place: tuple[str, int] | None, now: str) -> list[Entry]:
        """Return the entries after a position in that order."""
        entries = self.at(now)
        return entries if place is None else entries[bisect_right(entries, place, key=lambda entry: entry[:2]) :]

    def one(self, number: int, now: str) -> Pull | None:
        """Return a pull request's visible state at a moment, or None."""
        pull = self.pulls.get(number)
        seen = pull.at(now) if pull else None
        return self._entry(seen).pull if seen else None

    def change(self, number: int, fields: dict[str, Any] | None) -> None:
        """Replace fields of a pull request from now on."""
        self.changes[number] = fields
        self._seen = {}

    def restore(self) -> None:
        """Forget all changes."""
        self.changes.clear()
        self._seen = {}

    def _entry(self, pull: Pull) -> Entry:
        fields = self.changes.get(pull.number, {})
        if fields is None:
            return Entry(pull.updated_at, pull.number, None)
        changed = replace(pull, **fields)
        return Entry(changed.updated_at, changed.number, changed)
