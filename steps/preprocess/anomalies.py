"""Anomalies to plant among real pull requests, so that a detector can be measured: eight kinds, each with its story.

A planted pull request is a real one of the test split with some fields replaced. It meets the history as it was at that
moment and leaves no trace in it.
"""

from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from steps.scoring.reading import Pull

MOST_LINES = 2**30
PAST_SIZES = 4_000
LEAST_SIZES = 100
VETERAN = 20
BURST = 5

Planted = list[dict[str, Any]]
"""Pull requests in the order of their opening; the last one is judged, those before it are its company."""


class Text(NamedTuple):
    """A title and a body from some repository, to be planted in another one."""

    repository: str
    title: str
    body: str


class Past:
    """What the stories need to know of the repository so far."""

    def __init__(self, foreign: Sequence[Text]) -> None:
        self.foreign = foreign
        self.sizes: deque[dict[str, int]] = deque(maxlen=PAST_SIZES)
        self.hours: dict[str, list[int]] = {}

    def update(self, pull: Pull) -> None:
        """Remember the pull request's size and its author's hour."""
        self.sizes.append({name: pull[name] for name in ("additions", "deletions", "changed_files", "commits")})
        self.hours.setdefault(pull["author"], [0] * 24)[pull["created_at"].hour] += 1


def _times(count: int, factor: float) -> int:
    return min(round(max(count, 1) * factor), MOST_LINES)


def _stranger(pull: Pull, random: Random) -> str:
    return f"stranger-{pull['number']}-{random.randrange(10**6)}"


def vendored_dump(pull: Pull, past: Past, random: Random) -> Planted | None:
    """Somebody checks in a whole dependency."""
    grown = {
        "additions": _times(pull["additions"], random.uniform(50, 500)),
        "changed_files": _times(pull["changed_files"], random.uniform(5, 50)),
    }
    return [{**pull, **grown}]


def mass_deletion(pull: Pull, past: Past, random: Random) -> Planted | None:
    """Far more goes than comes."""
    lines = max(pull["additions"] + pull["deletions"], 10)
    gone = {
        "deletions": _times(lines, random.uniform(30, 200)),
        "additions": pull["additions"] // 10,
        "changed_files": _times(pull["changed_files"], random.uniform(2, 10)),
    }
    return [{**pull, **gone}]


def big_typo_fix(pull: Pull, past: Past, random: Random) -> Planted | None:
    """The title speaks of a typo, the diff is among the repository's largest twentieth."""
    if len(past.sizes) < LEAST_SIZES:
        return None
    largest = sorted(past.sizes, key=lambda size: size["additions"] + size["deletions"])[-len(past.sizes) // 20 :]
    title = random.choice(["Fix typo", "Fix typo in comment", "typo", "Minor spelling fix", "fix small typos"])
    return [{**pull, **random.choice(largest), "title": title}]


def outsider_junk(pull: Pull, past: Past, random: Random) -> Planted | None:
    """A stranger's edit in the browser that says nothing."""
    title = random.choice(["Update README.md", "Create test.txt", ".", "Update index.html", "hello", "Patch 1"])
    small = {"additions": random.randint(1, 3), "deletions": random.randint(0, 1), "changed_files": 1, "commits": 1}
    return [{**pull, **small, "title": title, "body": "", "author": _stranger(pull, random)}]


def hijacked_maintainer(pull: Pull, past: Past, random: Random) -> Planted | None:
    """A long-standing author's account, at the hour it is seen least, touches many files without a word."""
    veterans = sorted(login for login, hours in past.hours.items() if sum(hours) >= VETERAN)
    if not veterans:
        return None
    login = random.choice(veterans)
    hours = past.hours[login]
    around = [hours[hour] * 2 + hours[hour - 1] + hours[(hour + 1) % 24] for hour in range(24)]
    opened = pull["created_at"].replace(hour=around.index(min(around)))
    files = random.randint(15, 60)
    wide = {"changed_files": files, "additions": max(pull["additions"], files * random.randint(1, 8))}
    return [{**pull, **wide, "body": "", "author": login, "created_at": opened}]


def commit_flood(pull: Pull, past: Past, random: Random) -> Planted | None:
    """Dozens of commits for next to no change."""
    tiny = {"additions": random.randint(1, 4), "deletions": random.randint(0, 2), "changed_files": 1}
    return [{**pull, **tiny, "commits": random.randint(20, 80)}]


def wrong_repository(pull: Pull, past: Past, random: Random) -> Planted | None:
    """Title and body belong to another project."""
    if not past.foreign:
        return None
    text = random.choice(past.foreign)
    return [{**pull, "title": text.title, "body": text.body}]


def copycat_burst(pull: Pull, past: Past, random: Random) -> Planted | None:
    """Five strangers open the same thing within an hour."""
    opened: datetime = pull["created_at"]
    gaps = sorted((random.randint(1, 55) for _ in range(BURST - 1)), reverse=True)
    times = [*(opened - timedelta(minutes=gap) for gap in gaps), opened]
    return [{**pull, "created_at": at, "author": _stranger(pull, random)} for at in times]


KINDS: tuple[Callable[[Pull, Past, Random], Planted | None], ...] = (
    vendored_dump,
    mass_deletion,
    big_typo_fix,
    outsider_junk,
    hijacked_maintainer,
    commit_flood,
    wrong_repository,
    copycat_burst,
)
"""Every kind; its function's name is its name everywhere. None means that the past has no material for it."""
