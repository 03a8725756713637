"""Golden pull requests tell a model that scores as when it was made from one that doesn't."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from steps.common.errors import DamagedArtefact
from steps.common.pull_request import PullRequest
from steps.scoring import golden, vectors
from steps.scoring.history import History
from steps.scoring.model import Model
from tests.support import builders
from tests.support.pulls import pulls


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the real features."""
    folder = tmp_path_factory.mktemp("model")
    builders.fitted(folder, pulls(400))
    return folder


@pytest.fixture
def model(folder: Path) -> Model:
    """The model, loaded for one test."""
    return Model.load(folder)


def test_they_are_the_same_each_time_and_a_whole_model_passes(model: Model) -> None:
    """Nothing in them depends on the clock or on chance."""
    golden.check(model)
    assert golden.make(model) == golden.make(model) == model.golden


def test_whoever_changes_the_past_changes_it_for_nobody_else(model: Model) -> None:
    """It is built once in a process."""
    golden.past().update(next(iter(vectors.plain_rows([PullRequest.model_validate(model.golden[0]["pull_request"])]))))
    assert golden.past().seen == golden.PAST
    golden.check(model)


def test_they_tell_features_apart(model: Model) -> None:
    """Nearly every feature takes several values among them, so a change in how it is made shows."""
    rows = np.array([list(one["features"].values()) for one in model.golden])
    varied = [name for name, column in zip(model.names, rows.T, strict=True) if len(np.unique(column)) > 1]
    assert set(model.names) - set(varied) == set()


@pytest.mark.parametrize(("what", "by"), [("score", 2e-6), ("score", -2e-6), ("score", float("nan"))])
def test_a_score_that_differs_is_named(model: Model, what: str, by: float) -> None:
    """With how much, and what was found instead."""
    model.golden = copy.deepcopy(model.golden)
    model.golden[2][what] += by
    with pytest.raises(DamagedArtefact, match=r"golden/example#203 differs by .* in score"):
        golden.check(model)


def test_a_feature_that_differs_is_named(model: Model) -> None:
    """As is the pull request."""
    model.golden = copy.deepcopy(model.golden)
    model.golden[0]["features"]["title_unseen"] += 1e-4
    with pytest.raises(DamagedArtefact, match=r"golden/example#201 differs by 0.0001 in title_unseen"):
        golden.check(model)


def test_a_model_without_any_is_refused(model: Model) -> None:
    """Nothing was shown, then."""
    model.golden = []
    with pytest.raises(DamagedArtefact, match="no golden pull requests"):
        golden.check(model)


def test_other_code_for_a_feature_is_noticed(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service whose history counts otherwise never gets ready."""
    features = History.features

    def other(self: History, pull: Any) -> dict[str, float]:
        return features(self, pull) | {"title_words": 1.0}

    monkeypatch.setattr(History, "features", other)
    with pytest.raises(DamagedArtefact, match="in title_words"):
        golden.check(model)


def test_other_rounding_is_noticed(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half the bits are not enough."""

    def coarse(features: Any, names: Any) -> Any:
        return vectors.vector(features, names).astype(np.float16).astype(np.float64)

    monkeypatch.setattr(golden, "vector", coarse)
    with pytest.raises(DamagedArtefact, match="differs by"):
        golden.check(model)
