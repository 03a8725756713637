"""The findings of a finished run, read from MLflow and MongoDB for the table and the report."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

from local.documents import find_mutes, locate, read_policy, summarise_votes
from local.engine.run_state import WorkflowRun
from local.untrusted import one_line, web_url
from steps.common.errors import DataError
from steps.common.mongo import open_database
from steps.common.settings import TrackingSettings

DETECTORS = ("model", "isolation_forest", "ecod", "lines_added")
PLOTS = {
    "scores": "Scores of the pull requests, and the threshold",
    "precision_recall": "Precision against recall on injected anomalies",
    "loss": "Training loss",
}


class ArtifactModel(BaseModel):
    """Fields of an artifact; unknown ones are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Measures(ArtifactModel):
    """The ranking quality of one detector."""

    average_precision: float
    roc_auc: float
    f1: float
    recall_at_1: float
    recall_at_5: float
    recall_at_10: float


class EvaluationReport(ArtifactModel):
    """The measures of every detector, by kind of injected anomaly."""

    alert_budget: float
    threshold: float
    rows: dict[str, int]
    injected: dict[str, dict[str, Measures]]
    reverted: dict[str, Measures] | None


class ReportedPullRequest(ArtifactModel):
    """A pull request with its score and reasons; its title and URL come from MongoDB."""

    id: str
    repository: str
    number: int
    created_at: str
    score: float
    level: str
    reasons: list[str]
    title: str = ""
    url: str = ""


class UnusualPullRequest(ReportedPullRequest):
    """An unusual pull request, with its percentile among all of the run's pull requests, and the kinds of its reasons.

    `muted` is the field of `mute` in its repository's rules that mutes it.
    """

    percentile: float
    kinds: list[str] = []
    muted: str = ""


AnyReported = TypeVar("AnyReported", bound=ReportedPullRequest)


@dataclass(frozen=True)
class Findings:
    """Everything that the table and the report show."""

    unusual: list[UnusualPullRequest]
    evaluation: EvaluationReport
    plots: dict[str, bytes]
    votes: list[str] = field(default_factory=list)
    """Sentences on what people said about the alerts of the run's repositories."""


def gather(run: WorkflowRun, settings: Mapping[str, str]) -> Findings:
    """Read the artifacts of the run's training, and the titles of the pull requests in them.

    Raises:
        Unavailable: MLflow or MongoDB does not respond.
        NotFound: MLflow does not know the run.
        DataError: an artifact is missing or not valid.
    """
    run_id = str(run.output("train", "run_id"))
    try:
        with _download_artifacts(run_id, settings) as folder:
            evaluation = EvaluationReport.model_validate_json((folder / "evaluation.json").read_bytes())
            listed = json.loads((folder / "unusual.json").read_bytes())
            unusual = [UnusualPullRequest.model_validate(entry) for entry in listed]
            plots = {name: (folder / "plots" / f"{name}.png").read_bytes() for name in PLOTS}
    except (FileNotFoundError, ValueError) as error:
        raise DataError(
            f"The training artifacts can't be read ({type(error).__name__}).",
            advice=f"Delete run {run_id} in MLflow, then run the pipeline again to retrain.",
        ) from error
    repositories = [str(node.item) for node in run.nodes["fetch"]]
    votes = [f"{name}: {words}" for name in repositories for words in summarise_votes(name, settings)]
    return Findings(add_titles(mark_muted(unusual, settings), settings), evaluation, plots, votes)


def mark_muted(unusual: list[UnusualPullRequest], settings: Mapping[str, str]) -> list[UnusualPullRequest]:
    """Mark the pull requests that the rules of their repositories mute, by what the service has read last."""
    found = []
    for name, some in groupby(sorted(unusual, key=lambda one: one.repository), key=lambda one: one.repository):
        policy = read_policy(name, settings)
        own = {one.number: one for one in some}
        heard = {number: not one.kinds or not set(one.kinds) <= set(policy.mute.reasons) for number, one in own.items()}
        mutes = find_mutes(name, heard, policy, settings)
        found += [one.model_copy(update={"muted": mutes.get(number, "")}) for number, one in own.items()]
    order = {one.id: place for place, one in enumerate(unusual)}
    return sorted(found, key=lambda one: order[one.id])


@contextmanager
def _download_artifacts(run_id: str, settings: Mapping[str, str]) -> Iterator[Path]:
    """Download the artifacts of a run into a temporary folder."""
    from steps.common.tracking import connect

    where = TrackingSettings.model_construct(mlflow_uri=settings["MLFLOW_URI"])
    with TemporaryDirectory(prefix="pr-sentinel-") as folder, connect(where) as client:
        yield Path(client.download_artifacts(run_id, "", folder))


def add_titles(unusual: list[AnyReported], settings: Mapping[str, str]) -> list[AnyReported]:
    """Add titles and URLs from MongoDB, made safe to show."""
    with open_database(locate(settings)) as opened:
        found: dict[str, Any] = {}
        fields = {"title": 1, "html_url": 1}
        for document in opened.pull_requests.find({"_id": {"$in": [entry.id for entry in unusual]}}, fields):
            found[document["_id"]] = {"title": document.get("title"), "url": document.get("html_url")}
    return [
        entry.model_copy(
            update={
                "title": one_line(found.get(entry.id, {}).get("title")),
                "url": web_url(found.get(entry.id, {}).get("url")),
                "reasons": [one_line(reason) for reason in entry.reasons],
            }
        )
        for entry in unusual
    ]
