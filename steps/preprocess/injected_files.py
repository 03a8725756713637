"""The changed files of an injected anomaly, so that they agree with its sizes.

Files are those of a row: structs with path, additions, deletions and status. Up to MAX_FILES of them add up to the
row's counts; of more, the first ones in the order of their paths are listed with their share of the lines.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from pathlib import PurePosixPath
from random import Random
from typing import Any, NamedTuple

from steps.common.changed_files import MAX_FILES

Files = list[dict[str, Any]]

FALLBACK = "README.md"
_FOLDERS = ("vendor", "third_party", "node_modules", "external", "deps")
_LIBRARIES = ("fastjson", "miniparser", "httpkit", "colours", "datefmt", "quickzip", "treewalk", "logfmt")
_PARTS = ("index", "core", "util", "parse", "encode", "stream", "table", "config", "errors", "compat")
_PLAIN_SUFFIX = ".c"


class Lines(NamedTuple):
    """Lines added and deleted."""

    additions: int
    deletions: int


def change(path: str, additions: int, deletions: int, status: str) -> dict[str, Any]:
    """Return one changed file."""
    return {"path": path, "additions": additions, "deletions": deletions, "status": status}


def limit_to_listed(files: Sequence[dict[str, Any]]) -> Files:
    """Return the files that GitHub would list: the first MAX_FILES by path."""
    return sorted(files, key=lambda file: str(file["path"]))[:MAX_FILES]


def share_out(paths: Sequence[str], lines: Lines, status: str, random: Random) -> Files:
    """Return files of one status at these paths that share some lines among them."""
    weights = [random.expovariate(1) + 0.05 for _ in paths]
    added, deleted = _spread(lines.additions, weights), _spread(lines.deletions, weights)
    return [change(path, plus, minus, status) for path, plus, minus in zip(paths, added, deleted, strict=True)]


def resize(files: Sequence[dict[str, Any]], lines: Lines, random: Random) -> Files:
    """Return files at the same paths that share other lines; what was added or removed is modified instead."""
    return share_out([file["path"] for file in files], lines, "M", random)


def add_vendored_files(files: Sequence[dict[str, Any]], count: int, additions: int, random: Random) -> Files:
    """Return the files of somebody else's project: `count` added ones with that many lines in all."""
    folder, library = random.choice(_FOLDERS), random.choice(_LIBRARIES)
    suffix = next((found for file in files if (found := PurePosixPath(file["path"]).suffix)), _PLAIN_SUFFIX)
    paths = [f"{folder}/{library}/{random.choice(_PARTS)}_{n:03}{suffix}" for n in range(min(count, MAX_FILES))]
    return share_out(paths, Lines(_part(additions, len(paths), count), 0), "A", random)


def remove_files(paths: Sequence[str], count: int, deletions: int, random: Random) -> Files:
    """Return `count` removed files with that many lines in all: these paths, then others beside them."""
    wanted = min(count, MAX_FILES)
    chosen = [*paths[:wanted], *_beside(paths or [FALLBACK], wanted - len(paths))]
    return share_out(chosen, Lines(0, _part(deletions, wanted, count)), "D", random)


def modify_files(paths: Sequence[str], count: int, lines: Lines, random: Random) -> Files:
    """Return `count` modified files with these lines in all: these paths, then others beside them."""
    wanted = min(count, MAX_FILES)
    chosen = [*paths[:wanted], *_beside(paths or [FALLBACK], wanted - len(paths))]
    return share_out(chosen, Lines(*(_part(one, wanted, count) for one in lines)), "M", random)


def _beside(paths: Sequence[str], count: int) -> Iterator[str]:
    """Yield `count` paths that are none of these, in their folders."""
    for number in range(count):
        origin = PurePosixPath(paths[number % len(paths)])
        yield str(origin.with_name(f"{origin.stem}_{number}{origin.suffix}"))


def _part(total: int, shown: int, count: int) -> int:
    return round(total * shown / count) if count else 0


def _spread(total: int, weights: Sequence[float]) -> list[int]:
    whole = sum(weights) or 1.0
    edges = [round(total * part / whole) for part in accumulate(weights, initial=0.0)]
    return [after - before for before, after in pairwise(edges)]
