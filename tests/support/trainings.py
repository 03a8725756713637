"""The dataset and settings of a training on synthetic pull requests, and what comes of it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from samples import rest
from samples.generate import generate_repositories
from samples.records import Pull, SampleRepository
from steps.common.pull_request import PullRequest
from steps.preprocess.injection import Text
from steps.preprocess.rows import ROW_SCHEMA
from steps.scoring.row import as_row
from tests.support import tracking
from tests.support.otlp_receiver import ReceivedSpan
from tests.support.pulls import passed

BUDGET, SEED = 0.01, 7
REPOSITORIES = ("example/compiler", "example/docs", "example/webshop")
SCHEMA = pa.schema([field for field in ROW_SCHEMA if field.name not in {"split", "state"}])


class Trained(NamedTuple):
    """Where everything is, what the step returned, and the spans that it sent."""

    settings: dict[str, str]
    dataset_uri: str
    answer: dict[str, Any]
    spans: list[ReceivedSpan]


def row(repository: SampleRepository, pull: Pull) -> dict[str, Any]:
    """A made-up pull request as the pass reads it."""
    given = rest.format_pull_request(pull, repository, "https://api.github.example") | {
        "files": rest.format_files(pull)
    }
    return as_row(PullRequest.model_validate(given))


def pulls() -> list[dict[str, Any]]:
    """Every pull request of the sample repositories, as the pass reads it."""
    samples = generate_repositories()
    return [row(samples[name], pull) for name in REPOSITORIES for pull in samples[name].pulls.values()]


def tables(pulls: Sequence[dict[str, Any]]) -> dict[str, pa.Table]:
    """Rows by split, of these pull requests."""
    given = sorted(pulls, key=lambda one: (one["repository"], one["created_at"], one["number"]))
    texts = [Text(one["repository"], one["title"], one["body"]) for one in given[::20]]
    rows = passed(given, texts=texts)
    return {
        split: pa.Table.from_pylist([row for row in rows if row["split"] == split], schema=SCHEMA)
        for split in ("train", "validation", "test", "injected", "held_out")
    }


def settings(folder: Path, store: Path) -> dict[str, str]:
    """The environment of a train step with an MLflow of its own."""
    return {
        "STORE_URL": f"file://{store}",
        "MLFLOW_URI": tracking.empty(folder),
        "MLFLOW_ARTIFACTS": f"file://{folder}/artifacts",
        "GIT_COMMIT": "0" * 40,
    }
