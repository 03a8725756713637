"""The product's own pipeline over the records: what a run leaves behind, and how to get it."""

import json
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import bson
import mlflow
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pymongo import MongoClient

from benchmarks.detection import product
from local.services import embedded
from steps.common.dataset import Dataset, File, Manifest, dataset_uri, materialise, sha256
from steps.common.pull_request import PullRequest
from steps.common.settings import StoreSettings, TrackingSettings
from steps.common.store import Store, open_store
from steps.common.tracking import connected
from steps.preprocess import dataset as datasets
from steps.scoring.history import History
from steps.scoring.model import Model
from steps.train.run import train_and_measure

EMBEDDED = ("MONGO_URI", "MONGO_DB", "STORE_URL", "MLFLOW_URI")
"""Settings that would lead a run out of its state folder."""

Row = dict[str, Any]


class PipelineFailed(Exception):
    """The pipeline did not end with a model; the message holds what it printed."""


def use_state(state: Path) -> None:
    """Let every step of this process, and of those it starts, keep what it keeps in the state folder."""
    for name in EMBEDDED:
        os.environ.pop(name, None)
    places = embedded.places(state)
    os.environ |= {name: value for name, value in places.items() if name.startswith("MLFLOW_")}
    os.environ |= {"GIT_COMMIT": embedded.git_commit(), "COLUMNS": "120"}


@dataclass(frozen=True)
class Trained:
    """What a training read and what it made."""

    dataset: Dataset
    model: Model

    @classmethod
    def run(cls, repositories: Sequence[str], state: Path, github: str) -> Self:
        """Run the whole pipeline on some repositories; a repeated run in the same state folder goes on from the last.

        Args:
            repositories: `owner/name`, which `github`, a URL, serves.
            state: the folder that keeps documents, datasets and models, which `use_state` has been called with.
            github: URL of the server.

        Raises:
            PipelineFailed: a step failed, or there was too little to train on.
        """
        environment = {name: value for name, value in os.environ.items() if name not in EMBEDDED}
        environment |= {"GITHUB_API_URL": github, "GITHUB_TOKEN": "replay"}
        command = [sys.executable, "-m", "local", "run", "--repos", " ".join(repositories), "--state", str(state)]
        result = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=embedded.ROOT, env=environment
        )
        records = [json.loads(path.read_text()) for path in state.glob("runs/*/run.json")]
        newest: Row = max(records, key=lambda record: record["began"], default={"nodes": []})
        outputs = {node["task"]: node["outputs"] for node in newest["nodes"]}
        if result.returncode or "model_uri" not in outputs.get("train", {}):
            raise PipelineFailed(f"{result.stdout}{result.stderr}".strip())
        return cls._load(state, outputs["preprocess"]["dataset_uri"], outputs["train"]["model_uri"])

    def train_without(self, repositories: Sequence[str], state: Path, seed: int) -> Self:
        """Train as the product does on this dataset's rows, but for those of some repositories.

        Their words are still among those that the histories of the others know from elsewhere.
        """
        store = _store(state)
        uri = _publish_others(store, self.dataset, repositories)
        context = multiprocessing.get_context("spawn")  # TensorFlow's memory is given back with its process
        with ProcessPoolExecutor(1, context) as pool:
            answer = pool.submit(_train, store.url, uri, product.budget(self.model), seed).result()
        return self._load(state, uri, answer["model_uri"])

    @classmethod
    def _load(cls, state: Path, uri: str, model_uri: str) -> Self:
        place = state / "judged" / uri.rpartition("/")[2]
        place.mkdir(parents=True, exist_ok=True)
        dataset = materialise(_store(state), uri, place)
        with connected(TrackingSettings.model_construct(mlflow_uri=os.environ["MLFLOW_URI"])):
            files = mlflow.artifacts.download_artifacts(model_uri, dst_path=str(place))
        return cls(dataset, Model.load(Path(files)))

    def read(self, split: str, columns: Sequence[str]) -> list[Row]:
        """Read some columns of a split, as plain values."""
        return [row for file in self.dataset.files(split) for row in pq.read_table(file, columns=columns).to_pylist()]

    def histories(self) -> dict[str, History]:
        """Return each repository's history at its end."""
        return {
            row["repository"]: History.from_state(bson.decode(row["state"]))
            for row in self.read("history", ["repository", "state"])
        }


def read_documents(state: Path, repositories: Sequence[str]) -> Iterator[tuple[str, list[PullRequest]]]:
    """Read each repository's pull requests as fetch stored them, in the order of their opening."""
    name = embedded.places(state)["MONGO_DB"]
    with embedded.mongo(state) as uri, MongoClient[dict[str, Any]](uri, tz_aware=True) as client:
        for repository in repositories:
            found = client[name].pull_requests.find({"_id": {"$gte": f"{repository}#", "$lt": f"{repository}$"}})
            pulls = [PullRequest.model_validate(document) for document in found]
            yield repository, sorted(pulls, key=lambda pull: (pull.created_at, pull.number))


def _store(state: Path) -> Store:
    return open_store(StoreSettings(store_url=f"file://{state}/store"))


def _train(store_url: str, uri: str, budget: float, seed: int) -> Row:
    """Train in a process of its own."""
    os.environ["STORE_URL"] = store_url
    return train_and_measure(uri, budget, seed)


def _publish_others(store: Store, whole: Dataset, left_out: Sequence[str]) -> str:
    """Write the rows of all other repositories as a dataset of their own, and return its URI."""
    with datasets.staging(store) as staged, TemporaryDirectory() as folder:
        files, part = [], Path(folder, "part.parquet")
        for name, path in whole.paths.items():
            table = pq.read_table(path)
            kept = table.filter(
                pc.invert(pc.is_in(table.column("repository"), value_set=pa.array(left_out, pa.string())))
            )
            pq.write_table(kept, part, compression="zstd")
            store.upload(f"{staged}/{name}", part)
            files.append(File(name=name, sha256=sha256(part), bytes=part.stat().st_size, rows=len(kept)))
        manifest: Manifest = whole.manifest
        shares = {name: share for name, share in manifest.repositories.items() if name not in left_out}
        return dataset_uri(store, datasets.publish(store, staged, files, shares, manifest.rejected).hash)
