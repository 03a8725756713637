"""The service's thresholds go on from what GitHub delivered, and from nothing else."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pymongo.errors import ServerSelectionTimeoutError

from steps.scoring.model import Model
from steps.serve.contract import ScoreResult
from steps.serve.thresholds import MAX_REPOSITORIES, WEBHOOK, LiveThresholds
from tests.support import builders

REPOSITORY = builders.REPOSITORY


@pytest.fixture
def model(tmp_path: Path) -> Model:
    """A model that knows a thousand scores of one repository."""
    return builders.artefact(tmp_path, thresholds={"newest": {REPOSITORY: np.linspace(0, 1, 1_000).tolist()}})


def result(number: int, score: float, **changes: Any) -> ScoreResult:
    """What was answered."""
    given = {
        "id": f"{REPOSITORY}#{number}",
        "repository": REPOSITORY,
        "number": number,
        "score": score,
        "percentile": 50.0,
        "threshold": 1.0,
        "unusual": score > 1.0,
        "level": "standard",
        "reasons": [],
        "history": "repository",
    } | changes
    return ScoreResult.model_validate(given)


def after(model: Model, results: list[ScoreResult], route: str = WEBHOOK) -> float:
    """The threshold after these."""
    live = LiveThresholds(model, None, "digest")
    asyncio.run(live.prepare([REPOSITORY]))
    live.update(results, route)
    return live.limits(REPOSITORY).threshold


def test_a_repository_whose_scores_rise_gets_a_higher_threshold(model: Model) -> None:
    """Between trainings."""
    assert after(model, [result(n, 2.0) for n in range(200)]) > after(model, []) + 0.1


def test_what_anybody_may_send_moves_nothing(model: Model) -> None:
    """Nor one pull request that is scored again and again, nor what was compared with other repositories."""
    same = after(model, [])
    assert after(model, [result(n, 9.0) for n in range(200)], "/score") == same
    assert after(model, [result(n, 9.0, history="all") for n in range(200)]) == same
    assert after(model, [result(1, 0.5)] * 300) == pytest.approx(same, abs=0.01)


class Asked:
    """A database that notes which repositories it is asked for, and has nothing of them."""

    def __init__(self) -> None:
        self.repositories: list[str] = []

    @property
    def predictions(self) -> "Asked":
        """Its collection."""
        return self

    def find(self, query: dict[str, Any], *_: object) -> "Asked":
        """Note the repository."""
        self.repositories.append(query["repository"])
        return self

    def sort(self, *_: object) -> "Asked":
        """Nothing to sort."""
        return self

    def limit(self, _: int) -> list[dict[str, Any]]:
        """Return nothing."""
        return []


def test_a_repository_that_the_model_does_not_know_costs_no_query(model: Model) -> None:
    """Anybody can name one; those that it knows are read once."""
    database = Asked()
    live = LiveThresholds(model, database, "digest")  # type: ignore[arg-type]
    for number in range(5):
        asyncio.run(live.prepare([REPOSITORY, f"never/seen-{number}"]))
    assert database.repositories == [REPOSITORY]
    assert live.limits("never/seen-1") == (model.threshold, model.high)


class Away:
    """A database that does not answer."""

    @property
    def predictions(self) -> "Away":
        """Its collection."""
        return self

    def find(self, *_: object) -> None:
        """Never answers."""
        raise ServerSelectionTimeoutError


def test_without_mongodb_the_thresholds_of_training_hold(model: Model) -> None:
    """A failure is logged and costs nothing else."""
    live = LiveThresholds(model, Away(), "digest")  # type: ignore[arg-type]
    asyncio.run(live.prepare([REPOSITORY, "never/seen"]))
    assert live.limits(REPOSITORY) == model.limits(REPOSITORY)
    assert live.limits("never/seen") == (model.threshold, model.high)
    live.update([result(n, 9.0) for n in range(200)], WEBHOOK)
    assert live.limits(REPOSITORY) == model.limits(REPOSITORY)


def test_a_repositorys_own_budget_flags_its_share(model: Model) -> None:
    """Twice the share lowers the threshold, half of it raises it; without one, it is as before."""
    live = LiveThresholds(model, None, "digest")
    asyncio.run(live.prepare([REPOSITORY]))
    usual = live.limits(REPOSITORY)
    live.set_budget(REPOSITORY, 0.1)
    wide = live.limits(REPOSITORY)
    live.set_budget(REPOSITORY, 0.001)
    assert live.limits(REPOSITORY).threshold > usual.threshold > wide.threshold
    live.set_budget(REPOSITORY, None)
    assert live.limits(REPOSITORY) == usual


def test_a_budget_also_holds_for_a_repository_that_the_model_does_not_know(model: Model) -> None:
    """And for one that is prepared only later."""
    live = LiveThresholds(model, None, "digest")
    for name in ("some/stranger", REPOSITORY):
        live.set_budget(name, 0.1)
    assert live.limits("some/stranger") == model.limits_at(0.1)
    assert model.limits_at(0.1).threshold < model.threshold < model.limits_at(0.001).threshold
    asyncio.run(live.prepare([REPOSITORY]))
    unprepared = LiveThresholds(model, None, "digest")
    asyncio.run(unprepared.prepare([REPOSITORY]))
    assert live.limits(REPOSITORY).threshold < unprepared.limits(REPOSITORY).threshold


def test_no_more_repositories_are_remembered_than_fit(model: Model) -> None:
    """Of a thousand and one budgets the first is forgotten, and the model's holds again; a changed one is new."""
    live = LiveThresholds(model, None, "digest")
    for number in range(MAX_REPOSITORIES):
        live.set_budget(f"some/stranger-{number}", 0.1)
    live.set_budget("some/stranger-0", 0.2)
    live.set_budget("one/more", 0.1)
    assert live.limits("some/stranger-1") == model.limits("some/stranger-1")
    assert live.limits("some/stranger-0") == model.limits_at(0.2)
    assert live.limits("one/more") == live.limits("some/stranger-2") == model.limits_at(0.1)
