"""The reference set: a dataset that stays the same while champions change, so that small losses add up in plain sight.

It is the dataset of the first champion, which versions hand on in a tag. New data can't change it: its hash is in its
URI. To begin with another one, a person sets the tag `reference` of the champion, or removes the alias `champion`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mlflow.entities.model_registry import ModelVersion

from steps.common.dataset import Dataset, materialise
from steps.common.registry import Registry
from steps.common.store import Store
from steps.register.evidence import ReferenceFigures
from steps.scoring.model import Model
from steps.train.evaluation import test_set
from steps.train.metrics import injected_precision

SPLITS = ("test", "injected", "held_out")
RECENT = timedelta(days=90)
"""Champions registered within this time are compared with, and the champion itself."""
URI_TAG = "reference"
FIGURE_TAG = "reference_average_precision"


def measure(model: Model, dataset: Dataset) -> float:
    """Return a model's average precision on the injected anomalies of a dataset, without held-out kinds.

    Raises:
        DataError: the dataset lacks rows, or features of the model.
    """
    tests = test_set(dataset, model, set())
    scores = model.score(tests.rows.features, tests.rows.repositories).scores
    return injected_precision(tests.kinds[~tests.held_out], scores[~tests.held_out])


def compare(
    challenger: Model, champion: tuple[ModelVersion, Model], registry: Registry, reference: Dataset, uri: str
) -> ReferenceFigures:
    """Measure a challenger on the reference set at `uri`, beside the figures of recent champions.

    Raises:
        DataError: a model can't be measured on it.
    """
    version, model = champion
    recent = _read_figures(registry.list_champions(), uri, datetime.now(UTC) - RECENT)
    if str(version.version) not in recent:
        recent = {**recent, str(version.version): _read_figure(version, uri) or measure(model, reference)}
    return ReferenceFigures(measure(challenger, reference), recent)


def load(store: Store, uri: str, folder: Path) -> Dataset:
    """Provide the reference set on the local disk; errors are those of `materialise`."""
    return materialise(store, uri, folder, SPLITS)


def build_tags(uri: str, figure: float) -> dict[str, str]:
    """Build the tags of a version that was measured on the reference set at `uri`."""
    return {URI_TAG: uri, FIGURE_TAG: f"{figure:.6f}"}


def _read_figures(versions: list[ModelVersion], uri: str, since: datetime) -> Mapping[str, float]:
    found = {
        str(version.version): _read_figure(version, uri)
        for version in versions
        if version.creation_timestamp >= since.timestamp() * 1_000
    }
    return {name: figure for name, figure in found.items() if figure is not None}


def _read_figure(version: ModelVersion, uri: str) -> float | None:
    """Return a version's figure on this reference set; None if it was measured on another one, or on none."""
    figure = version.tags.get(FIGURE_TAG)
    return float(figure) if figure is not None and version.tags.get(URI_TAG) == uri else None
