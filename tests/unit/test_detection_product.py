"""The benchmark reads the product's thresholds and reasons as its users see them."""

import numpy as np
import pytest

from benchmarks.detection import product
from benchmarks.detection.rarity import Statement
from steps.scoring.features import NAMES
from steps.scoring.history import History
from steps.scoring.model import Model
from steps.scoring.rarity import RANKED, WINDOW_ROWS
from steps.scoring.vectors import with_own
from tests.support.builders import fitted
from tests.support.pulls import pulls

REPOSITORY = "owner/name"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A model of the real features, fitted to ordinary pull requests."""
    return fitted(tmp_path_factory.mktemp("model"), pulls(700))


def test_thresholds_go_on_from_training_and_follow_what_comes(model: Model) -> None:
    """A repository whose scores rise for good is not flagged for ever."""
    higher = np.random.default_rng(1).normal(model.threshold + 3, 0.5, size=3_000)
    flags = product.flag(model, higher, REPOSITORY)
    assert flags[:20].all()
    assert flags[-1_000:].mean() < 0.03


def test_a_score_does_not_move_its_own_threshold(model: Model) -> None:
    """What comes later changes nothing about what was flagged before."""
    scores = np.random.default_rng(2).normal(model.threshold, 1, size=400)
    assert (product.flag(model, scores[:200], REPOSITORY) == product.flag(model, scores, REPOSITORY)[:200]).all()


def test_every_ranked_feature_may_state_its_rarity() -> None:
    """From its plain rank among the latest."""
    row = {"repository": REPOSITORY, WINDOW_ROWS: 999.0, **{f"{name}_above": 9.0 for name in RANKED}}
    assert product.statements(row) == [Statement(REPOSITORY, name, 100.0, fewer=False) for name in RANKED]
    unheard_of = row | {f"{RANKED[0]}_above": 0.0}
    assert product.statements(unheard_of)[0] == Statement(REPOSITORY, RANKED[0], 999.0, fewer=True)


def test_the_first_reason_s_rarity_is_that_of_its_feature(model: Model) -> None:
    """A huge deletion speaks of deletions; what states no rarity gives none."""
    history = product.begin_history(History())
    *past, last = with_own(pulls(600))
    for one in past:
        history.update(one)
    (strange,) = with_own([{**{name: last[name] for name in past[0] if name not in NAMES}, "deletions": 90_000}])
    row = product.complete(strange, history)
    features = product.to_vector(row)[None]
    _, strengths = product.score(model, features, [REPOSITORY])
    stated = product.statement_of(model, row, strengths[0])
    first = product.reasons(model, row, strengths[0])[0]
    assert stated is not None
    assert (stated.feature, stated.fewer) == ("net_deletions", True)
    assert first.startswith("deletes 90,000 lines")
    assert product.statement_of(model, row, np.zeros_like(strengths[0])) is None
