"""What a finished run has found, gathered from MLflow and MongoDB for the table and the report."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, SecretStr

from local.engine.run_state import Run
from local.untrusted import one_line, web_address
from steps.common.errors import DataError
from steps.common.mongo import open_database
from steps.common.settings import MongoSettings, TrackingSettings

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


class Named(Part):
    """One pull request and why it stands out; its title and address come from the documents."""

    id: str
    repository: str
    number: int
    created_at: str
    score: float
    level: str
    reasons: list[str]
    title: str = ""
    url: str = ""


class Unusual(Named):
    """One among all of a run's."""

    percentile: float


AnyNamed = TypeVar("AnyNamed", bound=Named)


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
        NotFound: MLflow does not know the run.
        DataError: an artifact is missing or isn't what it should be.
    """
    run_id = str(run.output("train", "run_id"))
    try:
        with _artifacts(run_id, settings) as folder:
            evaluation = Evaluation.model_validate_json((folder / "evaluation.json").read_bytes())
            listed = json.loads((folder / "unusual.json").read_bytes())
            unusual = [Unusual.model_validate(entry) for entry in listed]
            plots = {name: (folder / "plots" / f"{name}.png").read_bytes() for name in PLOTS}
    except (FileNotFoundError, ValueError) as error:
        raise DataError(
            f"The artifacts of the training can't be read ({type(error).__name__}).",
            advice=f"They are those of run {run_id} in MLflow; delete that run to have it trained anew.",
        ) from error
    return Findings(titled(unusual, settings), evaluation, plots)


@contextmanager
def _artifacts(run_id: str, settings: Mapping[str, str]) -> Iterator[Path]:
    """The files of a run, for as long as they are looked at."""
    from steps.common.tracking import connect

    where = TrackingSettings.model_construct(mlflow_uri=settings["MLFLOW_URI"])
    with TemporaryDirectory(prefix="pr-sentinel-") as folder, connect(where) as client:
        yield Path(client.download_artifacts(run_id, "", folder))


def titled(unusual: list[AnyNamed], settings: Mapping[str, str]) -> list[AnyNamed]:
    """The same with title and address as the documents have them, made safe to show."""
    where = MongoSettings.model_construct(mongo_uri=SecretStr(settings["MONGO_URI"]), mongo_db=settings["MONGO_DB"])
    with open_database(where) as opened:
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
