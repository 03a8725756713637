"""Golden pull requests: a few that a model must score as it did when it was made, wherever it is loaded.

They stand in the artefact as GitHub's REST interface would give them, with the features and scores expected of them,
against a history that is built here, pull request by pull request. So a check goes the whole way that scoring goes.
"""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import numpy as np

from steps.common.errors import DamagedArtefact
from steps.common.pull_request import PullRequest
from steps.scoring.arrays import Floats
from steps.scoring.artefact import GOLDEN_REPOSITORY, TOLERANCE
from steps.scoring.history import History
from steps.scoring.model import Model
from steps.scoring.vectors import plain_rows, vector

PAST = 90
START = datetime(2026, 1, 5, 9, tzinfo=UTC)
AREAS = ("parser", "router", "cache", "docs", "build")
VERBS = ("Fix", "Speed up", "Document", "Refactor", "Test")
ELSEWHERE = [(f"Retune the carburettor of engine {number}", "Petrol, valves, pistons") for number in range(8)]

Raw = dict[str, Any]


def make(model: Model) -> list[dict[str, Any]]:
    """The golden pull requests with what this model makes of them."""
    raws = _raws()
    features, scores = _through(model, raws)
    return [
        {"pull_request": raw, "features": dict(zip(model.names, row, strict=True)), "score": score}
        for raw, row, score in zip(raws, features.tolist(), scores.tolist(), strict=True)
    ]


def check(model: Model) -> None:
    """Make sure that the model scores its golden pull requests as it did when it was made.

    Raises:
        DamagedArtefact: it has none, or naming the first that differs, in what and by how much.
    """
    if not model.golden:
        raise DamagedArtefact("The model has no golden pull requests.", advice="Train it again.")
    features, scores = _through(model, [one["pull_request"] for one in model.golden])
    for place, expected in enumerate(model.golden):
        wanted = {**expected["features"], "score": expected["score"]}
        found = dict(zip((*model.names, "score"), (*features[place], scores[place]), strict=True))
        _compare(f"{GOLDEN_REPOSITORY}#{expected['pull_request']['number']}", wanted, found)


def past() -> History:
    """Return the history that the golden pull requests are compared with; a caller may change it."""
    return deepcopy(_build_past())


@cache
def _build_past() -> History:
    history = History(ELSEWHERE)
    for row in plain_rows([PullRequest.model_validate(_past(number)) for number in range(1, PAST + 1)]):
        history.update(row)
    return history


def _compare(name: str, wanted: Mapping[str, float], found: Mapping[str, float]) -> None:
    for what, value in wanted.items():
        difference = abs(found[what] - value)
        if not difference <= TOLERANCE:  # NaN is not agreement either
            raise DamagedArtefact(
                f"The golden pull request {name} differs by {difference:.3g} in {what}: "
                f"{found[what]:.9g} instead of {value:.9g}.",
                advice="The model and this code or its libraries don't belong together: train again.",
            )


def _through(model: Model, raws: Iterable[Raw]) -> tuple[Floats, Floats]:
    """Features [pull requests, features] and scores, the way of every pull request."""
    history = past()
    rows = plain_rows([PullRequest.model_validate(raw) for raw in raws])
    features = np.stack([vector(row | history.features(row), model.names) for row in rows])
    return features, model.score(features, [row["repository"] for row in rows]).scores


def _past(number: int) -> Raw:
    """An ordinary pull request of the past."""
    return _raw(
        number,
        title=f"{VERBS[number % 5]} the {AREAS[number % 3]} for case {number % 7}",
        body="" if number % 9 == 0 else f"It failed on input {number % 11}; now it does not.",
        user={"login": f"dev-{number % 6}"},
        created_at=_hour(5 * number),
        additions=10 + 7 * (number % 13),
        deletions=3 + number % 5,
        changed_files=1 + number % 4,
        commits=1 + number % 3,
        merged_at=_hour(5 * number + 12) if number % 7 else None,
        files=[
            _file(f"src/{AREAS[number % 3]}/part_{part}.py", 10 + 7 * (number % 13) if part == 0 else 0, 3)
            for part in range(1 + number % 4)
        ],
    )


def _raws() -> list[Raw]:
    """Return one ordinary pull request, and unusual ones of several kinds."""
    return [*_raws_without_files(5 * PAST), *_raws_with_files(5 * PAST)]


def _raws_without_files(now: int) -> list[Raw]:
    return [
        _raw(201, title="Fix the parser for case 4", user={"login": "dev-2"}, created_at=_hour(now + 1)),
        _raw(
            202,
            title="Fix typo",
            user={"login": "a-stranger"},
            created_at=_hour(now + 2),
            additions=48_211,
            deletions=17,
            changed_files=412,
        ),
        _raw(203, title="Update README.md", body=None, user=None, created_at=_hour(now + 3), deletions=0),
        _raw(
            204,
            title=f"{VERBS[PAST % 5]} the {AREAS[PAST % 3]} for case {PAST % 7}",
            user={"login": "another-stranger"},
            created_at=_hour(now + 0.5),
            commits=64,
        ),
    ]


def _raws_with_files(now: int) -> list[Raw]:
    return [
        _raw(
            205,
            title="🚗 Retune the CARBURETTOR -- größer!",
            body="Petrol valves and pistons",
            user={"login": "dev-1"},
            created_at="2026-01-24T04:10:00+05:30",
            additions=3,
            deletions=9_120,
            changed_files=31,
            files=[_file(f"tests/test_{part}.py", 0, 294, "removed") for part in range(31)],
        ),
        _raw_of_a_look_alike(now + 5),
        _raw(
            207,
            title="Fix typo in the docs of the cache",
            user={"login": "dev-4"},
            created_at=_hour(now + 30),
            additions=412,
            files=[_file("src/cache/part_0.py", 400, 6), _file("web/deep/down/part.ts", 12, 0)],
        ),
        _raw(
            208,
            title="Improve the clarity of the introduction",
            body="## Summary\n\n" + "- **Clarity**: the text reads better and nothing else changes.\n" * 40,
            user={"login": "newly-here", "id": 250_000_000},
            created_at=_hour(now + 31),
            additions=1,
            deletions=1,
            changed_files=1,
            commits=1,
            files=[_file("docs/index.md", 1, 1)],
        ),
    ]


def _raw_of_a_look_alike(hour: int) -> Raw:
    return _raw(
        206,
        title="Bump docs from 1.2 to 1.3",
        user={"login": "dependab0t", "id": 240_000_000},
        created_at=_hour(hour),
        changed_files=3,
        head={"ref": "patch-1", "repo": None},
        files=[
            _file(".github/workflows/release.yml", 20, 6),
            _file("tool/run.exe", 0, 0, "added"),
            _file("vendor/tool/readme.html", 4, 0, "added"),
        ],
    )


def _file(path: str, additions: int, deletions: int, status: str = "modified") -> Raw:
    """A changed file as GitHub's REST interface lists it."""
    return {"filename": path, "additions": additions, "deletions": deletions, "status": status}


def _raw(number: int, **changes: Any) -> Raw:
    return {
        "number": number,
        "title": "",
        "body": "It failed on empty input; now it does not.",
        "user": None,
        "state": "open",
        "created_at": "",
        "updated_at": _hour(5 * PAST + 24),
        "additions": 24,
        "deletions": 6,
        "changed_files": 2,
        "commits": 2,
        "base": {"ref": "main", "repo": {"full_name": GOLDEN_REPOSITORY}},
    } | changes


def _hour(hours: float) -> str:
    """So many hours after the start, as GitHub writes it."""
    return f"{START + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"
