"""What a finished run has found, gathered from MLflow and MongoDB for the table and the report."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError

from steps.common.errors import DataError, Unavailable
from steps.common.mongo import database
from steps.common.settings import MongoSettings
from workflows.run_state import Run

DETECTORS = ("model", "isolation_forest", "ecod", "lines_added")
PLOTS = {
    "scores": "Scores of the pull requests, and the threshold",
    "precision_recall": "Precision against recall on planted anomalies",
    "loss": "How training went",
}


class Part(BaseModel):
    """What is read; more than is known is ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Measures(Part):
    """How well one detector ranks."""

    average_precision: float
    roc_auc: float
    f1: float
    recall_at_1: float
    recall_at_5: float
    recall_at_10: float


class Evaluation(Part):
    """The measures of every detector, by kind of planted anomaly."""

    alert_budget: float
    threshold: float
    rows: dict[str, int]
    injected: dict[str, dict[str, Measures]]
    reverted: dict[str, Measures] | None


class Unusual(Part):
    """One pull request and why it stands out; its title and address come from the documents."""

    id: str
    repository: str
    number: int
    created_at: str
    score: float
    percentile: float
    level: str
    reasons: list[str]
    title: str = ""
    url: str = ""


@dataclass(frozen=True)
class Findings:
    """All that is shown."""

    unusual: list[Unusual]
    evaluation: Evaluation
    plots: dict[str, bytes]


def gather(run: Run, settings: Mapping[str, str]) -> Findings:
    """Read the artifacts of the run's training, and the titles of the pull requests that they name.

    Raises:
        Unavailable: MLflow or MongoDB does not answer.
        DataError: an artifact is missing or isn't what it should be.
    """
    with TemporaryDirectory(prefix="pr-sentinel-") as folder:
        artifacts = _downloaded(str(run.output("train", "run_id")), settings["MLFLOW_URI"], Path(folder))
        try:
            evaluation = Evaluation.model_validate_json((artifacts / "evaluation.json").read_bytes())
            listed = json.loads((artifacts / "unusual.json").read_bytes())
            unusual = [Unusual.model_validate(entry) for entry in listed]
            plots = {name: (artifacts / "plots" / f"{name}.png").read_bytes() for name in PLOTS}
        except (OSError, ValidationError, ValueError) as error:
            raise DataError(
                f"The artifacts of the training can't be read ({type(error).__name__}).",
                advice=f"They are those of run {run.output('train', 'run_id')} in {settings['MLFLOW_URI']}.",
            ) from error
    return Findings(_titled(unusual, settings), evaluation, plots)


def _downloaded(run_id: str, mlflow_uri: str, folder: Path) -> Path:
    # Read when mlflow is imported.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow
    from mlflow.exceptions import MlflowException

    try:
        return Path(mlflow.artifacts.download_artifacts(run_id=run_id, dst_path=str(folder), tracking_uri=mlflow_uri))
    except MlflowException as error:
        raise Unavailable(
            f"MLflow can't give the artifacts of run {run_id}: {error.message}", advice="Check MLFLOW_URI."
        ) from None


def _titled(unusual: list[Unusual], settings: Mapping[str, str]) -> list[Unusual]:
    known = {name.lower(): value for name, value in settings.items() if name in {"MONGO_URI", "MONGO_DB"}}
    with database(MongoSettings.model_validate(known)) as opened:
        found: dict[str, Any] = {}
        fields = {"title": 1, "html_url": 1}
        for document in opened.pull_requests.find({"_id": {"$in": [entry.id for entry in unusual]}}, fields):
            found[document["_id"]] = {"title": document.get("title"), "url": document.get("html_url")}
    return [
        entry.model_copy(
            update={
                "title": one_line(found.get(entry.id, {}).get("title")),
                "url": web_address(found.get(entry.id, {}).get("url")),
                "reasons": [one_line(reason) for reason in entry.reasons],
            }
        )
        for entry in unusual
    ]


def one_line(text: object) -> str:
    """A stranger's text without what could steer a terminal or turn the reading direction."""
    return "".join(sign if sign.isprintable() else " " for sign in str(text or "")).strip()


def web_address(text: object) -> str:
    """The address, if it is one of the web; else nothing."""
    try:
        parts = urlsplit(str(text or ""))
    except ValueError:
        return ""
    return parts.geturl() if parts.scheme in {"http", "https"} and parts.hostname else ""
