"""The files that a synthetic pull request changes: paths by its kind of work and area, and lines that add up."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from random import Random
from typing import NamedTuple

MAX_LISTED = 100
"""Files that are listed of a pull request, as on GitHub's first page."""
NEAR = 8
"""Files in the pull request's own area; any more are in other areas."""
NAMES = (
    "models",
    "views",
    "helpers",
    "loader",
    "cache",
    "errors",
    "index",
    "rules",
    "format",
    "store",
    "queue",
    "types",
)
LIBRARIES = ("libquartz", "tinyhttp", "paperclip", "fastlog", "moonbuild", "greenlint")


class File(NamedTuple):
    """A changed file; its status is A (added), M (modified), D (removed) or R (renamed)."""

    path: str
    additions: int
    deletions: int
    status: str


@dataclass(frozen=True)
class Layout:
    """The paths of a repository, with placeholders `{area}` and `{name}`."""

    source: str
    test: str
    docs: str
    manifest: str
    lock: str


class FileChanges(NamedTuple):
    """The input that determines the files: the kind of work, its area, and its size in lines and files."""

    work: str
    area: str
    additions: int
    deletions: int
    files: int


ADDED_SHARE = {"feat": 0.4, "test": 0.3, "docs": 0.1, "dump": 1.0}
REMOVED_SHARE = {"deletion": 0.9, "refactor": 0.05}
RENAMED_SHARE = {"refactor": 0.2}
WIDE = frozenset({"deletion", "sweep"})


def changed_files(change: FileChanges, layout: Layout, areas: Sequence[str], random: Random) -> tuple[File, ...]:
    """Generate the first MAX_LISTED changed files, in the order of their paths.

    Their lines add up to those of the change; of more files than are listed, to the listed ones' share.
    """
    listed = min(change.files, MAX_LISTED)
    paths = sorted(_paths(change, layout, areas, random, listed))
    statuses = [_status(change.work, path, random) for path in paths]
    if change.deletions and "M" not in statuses and "D" not in statuses:
        statuses[0] = "M"
    if change.additions and all(status == "D" for status in statuses):
        statuses[0] = "M"
    weights = [random.expovariate(1) + 0.05 for _ in paths]
    share = listed / max(change.files, 1)
    added = _spread(round(change.additions * share), weights, [status != "D" for status in statuses])
    deleted = _spread(round(change.deletions * share), weights, [status != "A" for status in statuses])
    return tuple(File(*file) for file in zip(paths, added, deleted, statuses, strict=True))


def _paths(change: FileChanges, layout: Layout, areas: Sequence[str], random: Random, wanted: int) -> set[str]:
    found: set[str] = set()
    patterns = _patterns(change.work, layout)
    step = 0
    while len(found) < wanted:
        own = step < NEAR and change.work not in WIDE
        area = (change.area if own else random.choice(areas)).replace(" ", "-")
        usual = step < 2 * wanted
        name = random.choice(NAMES) if usual else f"{random.choice(NAMES)}_{step}"
        pattern = next(patterns) if usual else layout.source
        found.add(pattern.format(area=area, name=name, step=step, library=random.choice(LIBRARIES)))
        step += 1
    return found


def _patterns(work: str, layout: Layout) -> Iterator[str]:
    """Yield the patterns of a kind of work, without end."""
    source, test, docs = layout.source, layout.test, layout.docs
    kinds = {
        "fix": (source, test, source),
        "feat": (source, test, source, docs, source),
        "refactor": (source, source, test),
        "docs": (docs,),
        "test": (test,),
        "perf": (source,),
        "deps": (layout.lock, layout.manifest, "tools/{library}.lock"),
        "dump": ("vendor/{library}/{name}_{step}.c",),
        "drive-by": ("README.md",),
        "new-file": ("hello.txt",),
    }
    patterns = kinds.get(work, (source, source, test))
    while True:
        yield from patterns


def _status(work: str, path: str, random: Random) -> str:
    chance = random.random()
    if work == "new-file" or chance < ADDED_SHARE.get(work, 0.05 if path.count("/") else 0.0):
        return "A"
    if chance > 1 - REMOVED_SHARE.get(work, 0.0):
        return "D"
    return "R" if chance > 1 - RENAMED_SHARE.get(work, 0.0) else "M"


def _spread(total: int, weights: Sequence[float], takes: Sequence[bool]) -> list[int]:
    """Share out a number of lines among the files that take any, by their weights."""
    shares = [weight if take else 0.0 for weight, take in zip(weights, takes, strict=True)]
    whole = sum(shares) or 1.0
    edges = [round(total * part / whole) for part in accumulate(shares, initial=0.0)]
    return [after - before for before, after in pairwise(edges)]
