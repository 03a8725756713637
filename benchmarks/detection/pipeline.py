"""The product's own pipeline over the records: what a run leaves behind, and how to get it."""

import json
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
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
from steps.common.dataset import Dataset, DatasetFile, Manifest, format_dataset_uri, hash_file, materialise
from steps.common.pull_request import PullRequest
from steps.common.settings import MongoSettings, StoreSettings, TrackingSettings
from steps.common.store import Store, open_store
from steps.common.tracking import connect
from steps.preprocess import dataset as datasets
from steps.scoring.history import History
from steps.scoring.model import Model
from steps.train.run import train_and_measure

EMBEDDED = ("MONGO_URI", "MONGO_DB", "STORE_URL", "MLFLOW_URI")
"""Settings that would lead a run out of its state folder."""

Row = dict[str, Any]
Progress = Callable[[str], None]


class PipelineFailed(Exception):
    """The pipeline did not end with a model; the message holds what it printed."""


@dataclass(frozen=True)
class TrainedPipeline:
    """What a training read and what it made."""

    dataset: Dataset
    model: Model

    @classmethod
    def run(cls, repositories: Sequence[str], state: Path, github: str, tell: Progress) -> Self:
        """Run the whole pipeline on some repositories; a repeated run in the same state folder goes on from the last.

        Args:
            repositories: `owner/name`, which `github`, a URL, serves.
            state: the folder that keeps documents, datasets and models.
            github: URL of the server.
            tell: takes each line that the pipeline prints.

        Raises:
            PipelineFailed: a step failed, or there was too little to train on.
        """
        environment = {name: value for name, value in os.environ.items() if name not in EMBEDDED}
        environment |= {"GITHUB_API_URL": github, "GITHUB_TOKEN": "replay", "COLUMNS": "120"}
        command = [sys.executable, "-m", "local", "run", "--repos", " ".join(repositories), "--state", str(state)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=embedded.ROOT, env=environment
        ) as process:
            printed = []
            for line in process.stdout or ():
                printed.append(line)
                tell(line.strip())
        try:
            if process.returncode == 0:
                return cls.find(state)
        except LookupError:  # it has ended well, but without a model
            pass
        raise PipelineFailed("".join(printed).strip())

    @classmethod
    def find(cls, state: Path) -> Self:
        """Load the dataset and the model of the newest run in a state folder.

        Raises:
            LookupError: there is no run, or it made no model.
        """
        runs = [json.loads(path.read_text()) for path in state.glob("runs/*/run.json")]
        newest: Row = max(runs, key=lambda run: run["began"], default={"nodes": []})
        outputs = {node["task"]: node["outputs"] for node in newest["nodes"]}
        return cls._load(state, outputs["preprocess"]["dataset_uri"], outputs["train"]["model_uri"])

    def train_without(self, repositories: Sequence[str], state: Path, seed: int) -> Self:
        """Train as the product does on this dataset's rows, but for those of some repositories.

        Their words are still among those that the histories of the others know from elsewhere.
        """
        store = _store(state)
        uri = _publish_others(store, self.dataset, repositories)
        context = multiprocessing.get_context("spawn")  # TensorFlow's memory is given back with its process
        with ProcessPoolExecutor(1, context) as pool:
            answer = pool.submit(_train, state, uri, product.budget(self.model), seed).result()
        return self._load(state, uri, answer["model_uri"])

    @classmethod
    def _load(cls, state: Path, uri: str, model_uri: str) -> Self:
        place = state / "judged" / uri.rpartition("/")[2]
        place.mkdir(parents=True, exist_ok=True)
        dataset = materialise(_store(state), uri, place)
        with connect(TrackingSettings.model_construct(mlflow_uri=f"sqlite:///{state}/mlflow.db")):
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


def read_documents(state: Path, repositories: Sequence[str]) -> dict[str, list[PullRequest]]:
    """Read each repository's pull requests as fetch stored them, in the order of their opening."""
    found: dict[str, list[PullRequest]] = {name: [] for name in repositories}
    name = MongoSettings.model_fields["mongo_db"].default
    with embedded.mongo(state) as uri, MongoClient[dict[str, Any]](uri, tz_aware=True) as client:
        # Once through all of them: the embedded server would go through all for each repository.
        for document in client[name].pull_requests.find():
            if (repository := document["base"]["repo"]["full_name"]) in found:
                found[repository].append(PullRequest.model_validate(document))
    for pulls in found.values():
        pulls.sort(key=lambda pull: (pull.created_at, pull.number))
    return found


def _store(state: Path) -> Store:
    return open_store(StoreSettings(store_url=f"file://{state}/store"))


def _train(state: Path, uri: str, budget: float, seed: int) -> Row:
    """Train; in a process of its own, for this changes its environment."""
    for name in EMBEDDED:
        os.environ.pop(name, None)
    os.environ |= embedded.find_locations(state) | {"GIT_COMMIT": embedded.git_commit(), "TF_CPP_MIN_LOG_LEVEL": "3"}
    return train_and_measure(uri, budget, seed)


def _publish_others(store: Store, whole: Dataset, left_out: Sequence[str]) -> str:
    """Write the rows of all other repositories as a dataset of their own, and return its URI."""
    with datasets.create_staging_folder(store) as staged, TemporaryDirectory() as folder:
        files, part = [], Path(folder, "part.parquet")
        for name, path in whole.paths.items():
            table = pq.read_table(path)
            kept = table.filter(
                pc.invert(pc.is_in(table.column("repository"), value_set=pa.array(left_out, pa.string())))
            )
            pq.write_table(kept, part, compression="zstd")
            store.upload(f"{staged}/{name}", part)
            files.append(DatasetFile(name=name, sha256=hash_file(part), bytes=part.stat().st_size, rows=len(kept)))
        manifest: Manifest = whole.manifest
        shares = {name: share for name, share in manifest.repositories.items() if name not in left_out}
        return format_dataset_uri(store, datasets.publish(store, staged, files, shares, manifest.rejected).hash)
