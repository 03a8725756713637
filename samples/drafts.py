"""Pull requests before they have a number, and the numbering that makes them what the stand-in serves."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

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
    discussed_hours: float = 0.0
    labels: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    bot: bool = False
    takes_back: "Draft | None" = field(default=None, repr=False)

    @property
    def closed(self) -> datetime:
        """When it is closed, be it after the end."""
        return self.created + timedelta(hours=self.open_hours)


def number(drafts: list[Draft], full_name: str, base: str, members: set[str]) -> dict[int, Pull]:
    """Give each its number in the order of opening, and work out what follows from those before it."""
    ordered = sorted(drafts, key=lambda draft: draft.created)
    numbers = {id(draft): place for place, draft in enumerate(ordered, 1)}
    first_merge: dict[str, datetime] = {}
    for draft in ordered:
        if draft.merged:
            first_merge[draft.author] = min(draft.closed, first_merge.get(draft.author, draft.closed))
    pulls = {}
    for draft in ordered:
        if draft.takes_back:
            draft.body = f"Reverts {full_name}#{numbers[id(draft.takes_back)]}"
        known = draft.author in first_merge and first_merge[draft.author] < draft.created
        association = "MEMBER" if draft.author in members else "CONTRIBUTOR" if known else "FIRST_TIME_CONTRIBUTOR"
        pulls[numbers[id(draft)]] = _pull(numbers[id(draft)], draft, association, base)
    return pulls


def _pull(place: int, draft: Draft, association: str, base: str) -> Pull:
    closed = draft.closed if draft.closed <= END else None
    updated = min((closed or draft.created) + timedelta(hours=draft.discussed_hours), END)
    return Pull(
        number=place,
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
        base=base,
    )


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
