"""A dataset in the store: the manifest that makes it one, and how a reader gets files that are what it says."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from steps.common.errors import ConfigurationError, DamagedArtefact, NotFound
from steps.common.store import Store

VERSION = 1
SPLITS = ("train", "validation", "test", "injected", "held_out", "history")
"""`injected` are anomalies that training and the gate may look at, `held_out` those of kinds that no choice sees."""
FOLDER = "datasets"
MANIFEST = "manifest.json"
OVERALL = ""
"""The name under which stands what holds over all repositories."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True)


class File(_Part):
    """A parquet file by its name below the dataset, `split/part-00000.parquet`."""

    name: str
    sha256: str
    bytes: int
    rows: int

    @property
    def split(self) -> str:
        """The split that it belongs to."""
        return self.name.partition("/")[0]


class Repository(_Part):
    """A repository's share: its rows, when its first and last pull request was opened, how far it was fetched."""

    rows: int
    first: datetime
    last: datetime
    watermark: datetime | None


class Rejected(_Part):
    """How many documents were unusable, and their share of all."""

    count: int
    share: float


class Manifest(_Part):
    """What a dataset holds.

    Watermarks and rejected documents are those of the run that made this content first; they aren't part of its hash.
    """

    version: int
    hash: str
    columns: dict[str, str] = Field(alias="schema")
    features: list[str]
    files: list[File]
    splits: dict[str, int]
    repositories: dict[str, Repository]
    rejected: Rejected


class Dataset(NamedTuple):
    """A dataset on this machine's disk."""

    manifest: Manifest
    paths: dict[str, Path]

    def files(self, split: str) -> list[Path]:
        """The parquet files of a split, in order."""
        return [path for name, path in self.paths.items() if name.startswith(f"{split}/")]


def content_hash(columns: Mapping[str, str], features: Sequence[str], files: Sequence[File]) -> str:
    """The SHA-256 that names a dataset, from what is in it and nothing else."""
    content = {
        "version": VERSION,
        "schema": list(columns.items()),
        "features": list(features),
        "files": sorted((file.name, file.sha256) for file in files),
    }
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def dataset_uri(store: Store, name: str) -> str:
    """The address of the dataset with this hash."""
    return f"{store.url}/{FOLDER}/{name}"


def load_manifest(store: Store, uri: str) -> Manifest:
    """Read the manifest of the dataset at `<store>/datasets/<hash>`.

    Raises:
        ConfigurationError: the dataset is in another store.
        NotFound: there is no dataset; a run that was interrupted leaves none.
        DamagedArtefact: the manifest isn't the one that this hash names.
    """
    key = _key(store, uri)
    try:
        manifest = Manifest.model_validate_json(store.read(f"{key}/{MANIFEST}"))
    except ValidationError as error:
        raise _damaged(f"{uri}/{MANIFEST}", f"it can't be read: {error.error_count()} errors") from None
    if not key.endswith(f"/{content_hash(manifest.columns, manifest.features, manifest.files)}"):
        raise _damaged(f"{uri}/{MANIFEST}", "what it lists has another hash")
    return manifest


def materialise(store: Store, uri: str, folder: Path, splits: Collection[str] = SPLITS) -> Dataset:
    """Bring files of a dataset to this machine's disk, in place where they are there already, and check every one.

    Args:
        store: where the dataset is.
        uri: `<store>/datasets/<hash>`.
        folder: where downloaded files go.
        splits: those wanted.

    Raises:
        ConfigurationError, NotFound: as `load_manifest`.
        DamagedArtefact: naming the file that has another hash than the manifest says, or isn't there.
    """
    manifest, key = load_manifest(store, uri), _key(store, uri)
    paths = {}
    for file in (file for file in manifest.files if file.split in splits):
        try:
            paths[file.name] = store.local(f"{key}/{file.name}", folder)
        except NotFound:
            raise _damaged(f"{uri}/{file.name}", "it is missing") from None
        if sha256(paths[file.name]) != file.sha256:
            raise _damaged(f"{uri}/{file.name}", "it has another hash than the manifest says")
    return Dataset(manifest, paths)


def sha256(path: Path) -> str:
    """A file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _key(store: Store, uri: str) -> str:
    if not uri.startswith(f"{store.url}/"):
        raise ConfigurationError(
            f"{uri} is not in the store {store.url}.", advice="Give both the same STORE_URL, or another dataset."
        )
    return uri.removeprefix(f"{store.url}/")


def _damaged(what: str, why: str) -> DamagedArtefact:
    return DamagedArtefact(f"{what} is damaged: {why}.", advice="Delete the dataset and run preprocess again.")
