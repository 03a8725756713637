"""Pull requests before they have a number, and the numbering that makes them what the stand-in serves."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from samples.files import Change, File, Layout, changed_files
from samples.records import Pull

END = datetime(2026, 9, 1, tzinfo=UTC)
"""The moment at which the made-up repositories stand."""


@dataclass(frozen=True)
class Developer:
    """Who opens pull requests, around which hour of the day (UTC), and how large ones compared with others."""

    login: str
    hour: float
    size: float


@dataclass
class Draft:
    """A pull request in the making; sizes in lines, `open_hours` from opening to closing."""

    created: datetime
    author: str
    title: str
    body: str
    additions: int
    deletions: int
    files: int
    commits: int
    open_hours: float
    merged: bool
    work: str
    """The kind of work, which decides about the files."""
    area: str
    discussed_hours: float = 0.0
    labels: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    bot: bool = False
    takes_back: "Draft | None" = field(default=None, repr=False)

    @property
    def closed(self) -> datetime:
        """When it is closed, be it after the end."""
        return self.created + timedelta(hours=self.open_hours)


@dataclass(frozen=True)
class DraftTarget:
    """The repository that drafts become pull requests of."""

    full_name: str
    base: str
    members: frozenset[str]
    layout: Layout
    areas: Sequence[str]
    accounts: Mapping[str, int]
    seed: int


def number(drafts: list[Draft], place: DraftTarget) -> dict[int, Pull]:
    """Give each its number in the order of opening, and work out what follows from those before it."""
    ordered = sorted(drafts, key=lambda draft: draft.created)
    numbers = {id(draft): index for index, draft in enumerate(ordered, 1)}
    first_merge: dict[str, datetime] = {}
    for draft in ordered:
        if draft.merged:
            first_merge[draft.author] = min(draft.closed, first_merge.get(draft.author, draft.closed))
    pulls = {}
    for draft in ordered:
        if draft.takes_back:
            draft.body = f"Reverts {place.full_name}#{numbers[id(draft.takes_back)]}"
        known = draft.author in first_merge and first_merge[draft.author] < draft.created
        association = (
            "MEMBER" if draft.author in place.members else "CONTRIBUTOR" if known else "FIRST_TIME_CONTRIBUTOR"
        )
        pulls[numbers[id(draft)]] = _pull(numbers[id(draft)], draft, association, place)
    return pulls


def _pull(index: int, draft: Draft, association: str, place: DraftTarget) -> Pull:
    closed = draft.closed if draft.closed <= END else None
    updated = min((closed or draft.created) + timedelta(hours=draft.discussed_hours), END)
    random = Random(f"{place.seed} {place.full_name} {draft.created} {draft.title}")  # noqa: S311 - nothing is secret
    head = _head(draft, place, random)
    return Pull(
        number=index,
        title=draft.title,
        body=draft.body,
        author=draft.author,
        bot=draft.bot,
        association=association,
        draft=closed is None and draft.open_hours > 24 * 90,
        created_at=_text(draft.created),
        updated_at=_text(updated),
        closed_at=_text(closed) if closed else None,
        merged_at=_text(closed) if closed and draft.merged else None,
        additions=draft.additions,
        deletions=draft.deletions,
        changed_files=draft.files,
        commits=draft.commits,
        labels=draft.labels,
        assignees=draft.assignees,
        base=place.base,
        account=place.accounts[draft.author],
        head=head,
        fork=not draft.bot and draft.author not in place.members,
        files=_files(draft, place, random),
    )


def _head(draft: Draft, place: DraftTarget, random: Random) -> str:
    """Name the branch: after the title; an outsider's edit in the browser has the name that GitHub suggests."""
    named = "-".join(re.findall(r"[a-z0-9]+", draft.title.lower()))[:40].strip("-") or "change"
    if draft.bot:
        return f"bump/{named}"
    if draft.author in place.members:
        return named
    suggested = 0.9 if draft.work in {"drive-by", "new-file"} else 0.12
    chance = random.random()
    if chance < 0.7 * suggested:
        return f"patch-{random.randint(1, 4)}"
    return place.base if chance < suggested else named


def _files(draft: Draft, place: DraftTarget, random: Random) -> tuple[File, ...]:
    """Make up the changed files; a revert has those of the reverted change, the other way round."""
    origin = draft.takes_back
    if origin:
        random = Random(f"{place.seed} {place.full_name} {origin.created} {origin.title}")  # noqa: S311 - as above
        _head(origin, place, random)  # so that the same numbers are drawn for the files
        turned = {"A": "D", "D": "A"}
        files = _files(origin, place, random)
        return tuple(File(f.path, f.deletions, f.additions, turned.get(f.status, f.status)) for f in files)
    change = Change(draft.work, draft.area, draft.additions, draft.deletions, draft.files)
    return changed_files(change, place.layout, place.areas, random)


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
