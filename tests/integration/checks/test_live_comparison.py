"""The comparison of two running revisions answers "better" only by what both did since their analysis began."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.support.revisions import BAD, BEGAN, GOOD, NEW, NOW, Ask, Mongo, World, analysis, put


@pytest.mark.parametrize(("old", "new", "verdict"), [(BAD, GOOD, "better"), (GOOD, BAD, "worse"), (BAD, BAD, None)])
def test_it_says_which_one_is_better_and_why(
    old: float, new: float, verdict: str | None, database: Mongo, ask: Ask
) -> None:
    """With a length, so that an answer that breaks off is none."""
    put(database, "3", old)
    put(database, "4", new)
    answer = ask()
    assert (answer.status_code, answer.json()["verdict"]) == (200, verdict or "not enough data")
    assert answer.headers["Content-Length"] == str(len(answer.content))
    first, *lines = answer.json()["lines"]
    assert first == f"version 4 compared with version 3, since {BEGAN:%Y-%m-%d %H:%M} UTC"
    assert any(line.startswith("alerts removed by people within a day: ") for line in lines)


def test_response_times_count(database: Mongo, world: World, ask: Ask) -> None:
    """Those of each version."""
    put(database, "3", BAD)
    put(database, "4", BAD)
    world.slow = {"3": 300, "4": 10}
    assert ask().json()["verdict"] == "better"
    world.slow = {"3": 10, "4": 300}
    assert ask().json()["verdict"] == "worse"


def _same_version(database: Mongo, world: World) -> None:
    put(database, "4", GOOD)
    world.models["old"] = world.models["new"]


def _same_model(database: Mongo, world: World) -> None:
    put(database, "3", BAD, model={"version": "3", "digest": NEW})
    put(database, "4", GOOD)
    world.models["old"] = {"version": "3", "digest": NEW}


def _swapped(database: Mongo, world: World) -> None:
    put(database, "3", GOOD)
    put(database, "4", BAD)
    world.models = {"old": world.models["new"], "new": world.models["old"]}


def _no_numbers(database: Mongo, world: World) -> None:
    put(database, "3", BAD)
    put(database, "4", GOOD, score=float("nan"))


def _without_the_old(database: Mongo, world: World) -> None:
    put(database, "4", GOOD)


def _without_the_new(database: Mongo, world: World) -> None:
    put(database, "3", BAD)


def _other_repositories(database: Mongo, world: World) -> None:
    put(database, "3", BAD, repository="o/m")
    put(database, "4", GOOD)


def _another_model_s_scores(database: Mongo, world: World) -> None:
    put(database, "3", BAD)
    put(database, "4", GOOD, model={"version": "4", "digest": "c" * 64})


def _before_the_split(database: Mongo, world: World) -> None:
    put(database, "3", BAD, hours=97)
    put(database, "4", GOOD, hours=97)


def _the_old_one_before_the_split(database: Mongo, world: World) -> None:
    put(database, "3", BAD, hours=97)
    put(database, "4", GOOD)


def _begun_anew(database: Mongo, world: World) -> None:
    put(database, "3", BAD)
    put(database, "4", GOOD)
    world.analyses = [analysis(began=NOW - timedelta(hours=47)), analysis()]


def _ended(database: Mongo, world: World) -> None:
    put(database, "3", BAD)
    put(database, "4", GOOD)
    world.analyses = [analysis(phase="Successful"), analysis(pod_hash="66aa"), analysis(metric="latency")]


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (lambda database, world: None, "version 3 has 0 pull requests; 200 are needed"),
        (_without_the_old, "version 3 has 0 pull requests; 200 are needed"),
        (_without_the_new, "version 4 has 0 pull requests; 200 are needed"),
        (_same_version, "a version can't be compared with itself"),
        (_same_model, "a version can't be compared with itself"),
        (_swapped, "the new revision has the model aaaaaaaaaaaa, and Git names bbbbbbbbbbbb"),
        (_no_numbers, "version 4 has scores that are not numbers"),
        (_other_repositories, "version 3 has 0 pull requests; 200 are needed"),
        (_another_model_s_scores, "version 4 has scores of the model cccccccccccc, and bbbbbbbbbbbb runs"),
        (_before_the_split, "version 4 has 0 pull requests; 200 are needed"),
        (_the_old_one_before_the_split, "version 3 has 0 pull requests; 200 are needed"),
        (_begun_anew, "version 4 has 0 pull requests; 200 are needed"),
        (_ended, "no analysis compares the revision 7b5c"),
    ],
)
def test_what_proves_nothing_is_not_enough_data(
    prepare: Callable[[Mongo, World], None], reason: str, database: Mongo, world: World, ask: Ask
) -> None:
    """Though the new version would seem to be better by far."""
    prepare(database, world)
    answer = ask()
    assert (answer.status_code, answer.json()["verdict"]) == (200, "not enough data")
    assert reason in answer.json()["lines"]


@pytest.mark.parametrize("phase", [{"phase": ""}, {"phase": "Pending"}, {"startedAt": None}])
def test_an_analysis_that_has_only_begun_counts(phase: dict[str, Any], database: Mongo, world: World, ask: Ask) -> None:
    """Its phase may not be written yet."""
    put(database, "3", BAD)
    put(database, "4", GOOD)
    world.analyses = [analysis(**phase)]
    assert ask().json()["verdict"] == "better"
