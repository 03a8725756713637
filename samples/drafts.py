"""Pull requests before they have a number, and the numbering that makes them pull requests of the fake server."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from samples.files import File, FileChanges, Layout, changed_files
from samples.records import Pull

END = datetime(2026, 9, 1, tzinfo=UTC)
"""The latest moment in the synthetic repositories."""


@dataclass(frozen=True)
class Developer:
    """A developer: the usual hour of opening pull requests (UTC), and their size relative to others'."""

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
    """The kind of work, which determines the files."""
    area: str
    discussed_hours: float = 0.0
    labels: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    bot: bool = False
    reverts: "Draft | None" = field(default=None, repr=False)

    @property
    def closed_at(self) -> datetime:
        """The moment of closing, which may be after the end."""
        return self.created + timedelta(hours=self.open_hours)


@dataclass(frozen=True)
class RepositoryTraits:
    """The traits of the repository that drafts become pull requests of."""

    full_name: str
    base: str
    members: frozenset[str]
    layout: Layout
    areas: Sequence[str]
    accounts: Mapping[str, int]
    seed: int


def number_drafts(drafts: list[Draft], traits: RepositoryTraits) -> dict[int, Pull]:
    """Number the drafts in the order of opening, and derive what depends on earlier ones."""
    ordered = sorted(drafts, key=lambda draft: draft.created)
    numbers = {id(draft): index for index, draft in enumerate(ordered, 1)}
    first_merge: dict[str, datetime] = {}
    for draft in ordered:
        if draft.merged:
            first_merge[draft.author] = min(draft.closed_at, first_merge.get(draft.author, draft.closed_at))
    pulls = {}
    for draft in ordered:
        if draft.reverts:
            draft.body = f"Reverts {traits.full_name}#{numbers[id(draft.reverts)]}"
        known = draft.author in first_merge and first_merge[draft.author] < draft.created
        association = (
            "MEMBER" if draft.author in traits.members else "CONTRIBUTOR" if known else "FIRST_TIME_CONTRIBUTOR"
        )
        pulls[numbers[id(draft)]] = _build_pull(numbers[id(draft)], draft, association, traits)
    return pulls


def _build_pull(index: int, draft: Draft, association: str, traits: RepositoryTraits) -> Pull:
    closed = draft.closed_at if draft.closed_at <= END else None
    updated = min((closed or draft.created) + timedelta(hours=draft.discussed_hours), END)
    random = Random(f"{traits.seed} {traits.full_name} {draft.created} {draft.title}")  # noqa: S311 - nothing is secret
    head = _name_branch(draft, traits, random)
    return Pull(
        number=index,
        title=draft.title,
        body=draft.body,
        author=draft.author,
        bot=draft.bot,
        association=association,
        draft=closed is None and draft.open_hours > 24 * 90,
        created_at=_format_time(draft.created),
        updated_at=_format_time(updated),
        closed_at=_format_time(closed) if closed else None,
        merged_at=_format_time(closed) if closed and draft.merged else None,
        additions=draft.additions,
        deletions=draft.deletions,
        changed_files=draft.files,
        commits=draft.commits,
        labels=draft.labels,
        assignees=draft.assignees,
        base=traits.base,
        account=traits.accounts[draft.author],
        head=head,
        fork=not draft.bot and draft.author not in traits.members,
        files=_generate_files(draft, traits, random),
        lock_reason="spam" if closed and _is_junk(draft) else None,
    )


def _is_junk(draft: Draft) -> bool:
    """Return True for what a stranger sends without a word and nobody wants."""
    return draft.work in {"drive-by", "new-file"} and not draft.body and not draft.merged


def _name_branch(draft: Draft, traits: RepositoryTraits, random: Random) -> str:
    """Name the branch: after the title, or as GitHub suggests for an outsider's edit in the browser."""
    named = "-".join(re.findall(r"[a-z0-9]+", draft.title.lower()))[:40].strip("-") or "change"
    if draft.bot:
        return f"bump/{named}"
    if draft.author in traits.members:
        return named
    suggested = 0.9 if draft.work in {"drive-by", "new-file"} else 0.12
    chance = random.random()
    if chance < 0.7 * suggested:
        return f"patch-{random.randint(1, 4)}"
    return traits.base if chance < suggested else named


def _generate_files(draft: Draft, traits: RepositoryTraits, random: Random) -> tuple[File, ...]:
    """Generate the changed files; a revert has those of the reverted pull request, with additions as deletions."""
    origin = draft.reverts
    if origin:
        random = Random(f"{traits.seed} {traits.full_name} {origin.created} {origin.title}")  # noqa: S311 - as above
        _name_branch(origin, traits, random)  # so that the same numbers are drawn for the files
        turned = {"A": "D", "D": "A"}
        files = _generate_files(origin, traits, random)
        return tuple(File(f.path, f.deletions, f.additions, turned.get(f.status, f.status)) for f in files)
    change = FileChanges(draft.work, draft.area, draft.additions, draft.deletions, draft.files)
    return changed_files(change, traits.layout, traits.areas, random)


def _format_time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
