"""The models that the gate compares, loaded from a run and from the registry, and scored on the same rows."""

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import mlflow
import numpy as np
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from steps.common.dataset import Dataset
from steps.common.errors import DataError, Unavailable
from steps.register.evidence import Contender, GateEvidence
from steps.scoring.model import Model
from steps.train.data import Rows
from steps.train.evaluation import TestSet, check_statements, flag_rows


class LoadedModel(NamedTuple):
    """A verified model, and the folder of its files."""

    model: Model
    place: Path

    @property
    def sha256(self) -> str:
        """The hash of the model's manifest."""
        return self.model.digest


def load(uri: str, folder: Path) -> LoadedModel:
    """Fetch the model at `models:/…` into a new folder and verify it.

    Raises:
        NotFound: MLflow has no such model.
        DamagedArtefact: a file is missing, or its hash differs from the manifest.
        Unavailable: the artifact store does not answer.
    """
    folder.mkdir()
    place = _fetch_files(uri, folder)
    return LoadedModel(Model.load(place), place)


def check(run: Run, loaded: LoadedModel, dataset_uri: str, data_hash: str) -> None:
    """Check that a run, a model and a dataset belong together.

    Raises:
        DataError: they differ; the message names the fields.
    """
    expected = {"dataset_uri": dataset_uri, "data_hash": data_hash, "model_sha256": loaded.sha256}
    wrong = [f"the run's {name}" for name, value in expected.items() if run.data.tags.get(name) != value]
    if loaded.model.manifest.get("data_hash") != data_hash:
        wrong.append("the model's data_hash")
    if run.info.status != "FINISHED":
        wrong.append(f"the run's status, {run.info.status},")
    if wrong:
        raise DataError(
            f"Run {run.info.run_id}, its model and the dataset don't belong together: {', '.join(wrong)} differs.",
            advice="Pass the run, the model and the dataset of one finished training.",
        )


def build_contender(
    name: str, loaded: LoadedModel, rows: Rows, data_until: datetime | None, *, was_demoted: bool = False
) -> Contender:
    """Build a contender by scoring rows whose features are in the order of the model's."""
    scores = loaded.model.score(rows.features, rows.repositories).scores
    threshold, budget = (_to_number(loaded.model.thresholds.get(name)) for name in ("threshold", "alert_budget"))
    usable = np.isfinite(scores).all() and np.isfinite(threshold) and 0 < budget < 1
    return Contender(
        name=name,
        scores=scores,
        flagged=flag_rows(loaded.model, rows, scores) if usable else None,
        threshold=threshold,
        alert_budget=budget,
        content=loaded.sha256,
        data_hash=loaded.model.manifest["data_hash"],
        data_until=data_until,
        was_demoted=was_demoted,
    )


def collect_evidence(loaded: LoadedModel, tests: TestSet, data_hash: str) -> GateEvidence:
    """Collect the rows to measure on, and the figures that training wrote into the model's manifest.

    The hash that the run names covers these figures, unlike the run's metrics.
    """
    manifest = loaded.model.manifest
    return GateEvidence(
        data_hash=data_hash,
        measured_at=datetime.now(UTC),
        kinds=tests.kinds,
        held_out=tests.held_out,
        repositories=np.array(tests.rows.repositories, dtype=object),
        additions=tests.rows.table.column("additions").to_numpy().astype(np.float64),
        reasons=check_statements(loaded.model, tests),
        recorded=_read_precision(manifest.get("metrics")),
        recorded_held_out=_read_precision(manifest.get("held_out")),
        recorded_reasons=_read_counts(manifest.get("reasons")),
    )


def get_data_until(dataset: Dataset) -> datetime:
    """Return when the dataset's last pull request was opened."""
    return max(repository.last for repository in dataset.manifest.repositories.values())


def _fetch_files(uri: str, folder: Path) -> Path:
    advice = "Check that MLflow's artifact location is the one that train used, and that it is reachable."
    try:
        return Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=str(folder)))
    except MlflowException:
        raise
    except Exception as error:
        raise Unavailable(f"The files of {uri} can't be fetched ({type(error).__name__}).", advice=advice) from error


def _read_precision(figures: object) -> dict[str, float]:
    """Return the average precision of each detector in a manifest."""
    listed = figures.items() if isinstance(figures, dict) else ()
    return {name: _to_number(own.get("average_precision")) for name, own in listed if isinstance(own, dict)}


def _read_counts(figures: object) -> tuple[int, int] | None:
    """Return how many statements training checked, and how many held; None if the manifest does not say."""
    if not isinstance(figures, dict) or not {"statements", "true"} <= figures.keys():
        return None
    return figures["statements"], figures["true"]


def _to_number(value: object) -> float:
    """Return the number, or NaN, which the gate refuses."""
    return float(value) if isinstance(value, int | float) else float("nan")
