"""A muted kind of reason neither raises an alert nor is named; the score that is recorded stays."""

from pathlib import Path

import pytest

from steps.common.pull_request import PullRequest
from steps.scoring.model import Model
from steps.serve.histories import NO_HISTORY
from steps.serve.scorer import ScoredPullRequest, ScoreInput, score
from tests.support import builders
from tests.support.pulls import pulls


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A model of the real signals."""
    folder: Path = tmp_path_factory.mktemp("model")
    return builders.fitted(folder / "model", pulls(600))


def result(model: Model, muted: tuple[str, ...] = ()) -> ScoredPullRequest:
    """The result of a huge deletion."""
    pull = PullRequest.model_validate(
        {
            "number": 7,
            "title": "Touch up everything",
            "user": {"login": "octocat"},
            "state": "open",
            "created_at": "2026-01-01T12:00:00Z",
            "updated_at": "2026-01-01T12:00:00Z",
            "additions": 0,
            "deletions": 900_000,
            "changed_files": 3_000,
            "commits": 1,
            "base": {"ref": "main", "repo": {"full_name": "owner/name"}},
        }
    )
    return score(model, [ScoreInput(pull, NO_HISTORY, muted)])[0]


def test_a_muted_kind_is_not_heard(model: Model) -> None:
    """The strongest one carries the score; without it, another does, which is lower."""
    whole = result(model)
    assert (whole.heard, whole.result.unusual) == (whole.result, True)
    without = result(model, whole.kinds[:1])
    assert without.result == whole.result
    assert whole.kinds[0] not in without.kinds
    assert without.heard.score < whole.result.score
    assert whole.result.reasons[0] not in without.heard.reasons


def test_with_every_kind_muted_nothing_is_unusual(model: Model) -> None:
    """Nor has it any reason."""
    silent = result(model, tuple(signal.name for signal in model.signals))
    assert (silent.heard.score, silent.heard.unusual, silent.heard.reasons, silent.kinds) == (0.0, False, [], ())
    assert silent.result.unusual
