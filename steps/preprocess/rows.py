"""Conversion of validated pull requests, in the order of their opening, to rows of the dataset.

It makes one pass over each repository, as a generator over Arrow batches, so its memory does not grow with the rows.
"""

import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any, NamedTuple

import bson
import pyarrow as pa

from steps.preprocess.anomalies import KINDS
from steps.preprocess.held_out import HELD_OUT_KINDS
from steps.preprocess.injection import Injected, Past, Text
from steps.scoring.features import CONTEXT, NAMED, NAMES
from steps.scoring.history import History
from steps.scoring.reading import thing
from steps.scoring.vectors import PULL_SCHEMA, with_own

TRAIN_SHARE = 0.60
VALIDATION_SHARE = 0.15
INJECTED_SHARE = 0.24
"""Share of the test split's pull requests that also appear with an injected anomaly."""
HELD_OUT_SHARE = 0.09
"""The same for the kinds that are held out of all choices: as many of each."""

_KEPT = ("id", "repository", "number", "created_at", "additions", "deletions", "changed_files", "commits")

ROW_SCHEMA = pa.schema(
    [
        pa.field("split", pa.string()),  # train, validation, test, injected, held_out or history
        *(PULL_SCHEMA.field(name).with_nullable(True) for name in _KEPT),
        pa.field("reverts", pa.int32()),  # the number of the pull request that this one reverts
        pa.field("kind", pa.string()),  # of an injected anomaly
        *(pa.field(name, pa.float32()) for name in (*NAMES, *CONTEXT)),
        *(pa.field(name, pa.string()) for name in NAMED),  # what a reason quotes
        pa.field("state", pa.binary()),  # of a repository's history, in split history
    ]
)
"""The schema of the rows; a row of split `history` has only `repository` and `state`."""

_REVERTS_NUMBER = re.compile(r"(?i)\breverts?:?\s+(?:[\w.-]+/[\w.-]+)?#(\d+)")
_REVERTS_TITLE = re.compile(r'(?i)^(?:\W*)revert:?\s+["“](.+)["”]')
_LOCAL_NUMBER = re.compile(r"\s*\(#\d+\)$")


def featurise(
    batches: Iterator[pa.RecordBatch], sizes: Mapping[str, int], foreign: Sequence[Text]
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of whole repositories.

    Args:
        batches: of PULL_SCHEMA, ordered by repository, created_at, number; a repository is never spread over two calls.
        sizes: how many pull requests each repository has, which decides where its splits are.
        foreign: texts of several repositories, for the injected anomalies that need another one's.

    Yields:
        Batches of ROW_SCHEMA.
    """
    current: _RepositoryPass | None = None
    for batch in batches:
        for name, pulls in _group_by_repository(batch):
            if current is None or current.name != name:
                if current is not None:
                    yield current.state()
                current = _RepositoryPass(name, sizes[name], foreign)
            yield current.rows(pulls)
    if current is not None:
        yield current.state()


def _group_by_repository(batch: pa.RecordBatch) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    pulls = batch.to_pylist()
    start = 0
    for index in range(1, len(pulls) + 1):
        if index == len(pulls) or pulls[index]["repository"] != pulls[start]["repository"]:
            yield pulls[start]["repository"], pulls[start:index]
            start = index


class _Injection(NamedTuple):
    """An anomaly, the split that its row is for, and its pull request behind those that come with it."""

    split: str
    kind: str
    company: Injected


class _RepositoryPass:
    """The pass over one repository."""

    def __init__(self, name: str, size: int, foreign: Sequence[Text]) -> None:
        self.name = name
        self._train_until = int(size * TRAIN_SHARE)
        self._validation_until = int(size * (TRAIN_SHARE + VALIDATION_SHARE))
        self._index = 0
        others = [text for text in foreign if text.repository != name]
        self._history = History((text.title, text.body) for text in others[::2])
        self._past = Past(others[1::2])  # never a text that the history contains
        self._titles: dict[int, int] = {}

    def rows(self, pulls: list[dict[str, Any]]) -> pa.RecordBatch:
        """Return the next pull requests as rows, each followed by what was injected in its place."""
        injected = [self._inject(pull, self._index + offset) for offset, pull in enumerate(pulls)]
        seen = iter(with_own([one for some in injected for each in some for one in each.company]))
        rows = []
        for pull, some in zip(with_own(pulls), injected, strict=True):
            rows.append(self._row(pull, self._split()) | {"reverts": self._reverts(pull)})
            rows += [self._injected_row(each._replace(company=[next(seen) for _ in each.company])) for each in some]
            self._history.update(pull)
            self._index += 1
        return pa.RecordBatch.from_pylist(rows, schema=ROW_SCHEMA)

    def state(self) -> pa.RecordBatch:
        """The history at its end, as the one row of split `history`."""
        row = {"split": "history", "repository": self.name, "state": bson.encode(self._history.state())}
        return pa.RecordBatch.from_pylist([row], schema=ROW_SCHEMA)

    def _split(self) -> str:
        if self._index < self._train_until:
            return "train"
        return "validation" if self._index < self._validation_until else "test"

    def _row(self, pull: dict[str, Any], split: str) -> dict[str, Any]:
        return {**pull, **self._history.features(pull), "split": split}

    def _injected_row(self, injection: _Injection) -> dict[str, Any]:
        *earlier, judged = injection.company
        with self._history.supposing(earlier):
            return self._row(judged, injection.split) | {"kind": injection.kind}

    def _inject(self, pull: dict[str, Any], index: int) -> list[_Injection]:
        """Return what to inject beside this one, if the numbers drawn from its id say so."""
        found = []
        wanted = ("injected", KINDS, INJECTED_SHARE), ("held_out", HELD_OUT_KINDS, HELD_OUT_SHARE)
        for split, kinds, share in wanted if index >= self._validation_until else ():
            seed = f"{pull['id']} {split}" if split == "held_out" else pull["id"]
            random = Random(zlib.crc32(seed.encode()))  # noqa: S311 - a draw that anybody can repeat is the point
            kind = random.choice(kinds) if random.random() < share else None
            if kind and (company := kind(pull, self._past, random)):
                found.append(_Injection(split, kind.__name__, company))
        self._past.update(pull)
        return found

    def _reverts(self, pull: dict[str, Any]) -> int | None:
        """Return the number of the earlier pull request that this one claims to revert."""
        title = pull["title"].strip()
        self_named = _REVERTS_NUMBER.search(f"{title}\n{pull['body']}")
        quoted = _REVERTS_TITLE.match(title)
        found = int(self_named.group(1)) if self_named else None
        if found is None and quoted:
            found = self._titles.get(thing(_LOCAL_NUMBER.sub("", quoted.group(1)).strip().lower()))
        self._titles[thing(_LOCAL_NUMBER.sub("", title).lower())] = pull["number"]
        return found if found is not None and found < pull["number"] else None
