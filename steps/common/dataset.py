"""A dataset in the store: its manifest, and verified local copies of its files."""

import hashlib
import json
from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from steps.common.errors import ConfigurationError, DamagedArtefact, NotFound, OtherVersion
from steps.common.store import Store

VERSION = 2
SPLITS = ("train", "validation", "test", "injected", "held_out", "history")
"""`injected` are anomalies that training and the gate may look at, `held_out` those of kinds that no choice sees."""
FOLDER = "datasets"
MANIFEST = "manifest.json"
OVERALL = ""
"""The key of values that apply to all repositories together."""


class _ManifestPart(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True)


class DatasetFile(_ManifestPart):
    """A parquet file, named by its path below the dataset, `split/part-00000.parquet`."""

    name: str
    sha256: str
    bytes: int
    rows: int

    @property
    def split(self) -> str:
        """The split that the file belongs to."""
        return self.name.partition("/")[0]


class RepositorySummary(_ManifestPart):
    """A repository's rows, when its first and last pull requests were opened, and how far it was fetched."""

    rows: int
    first: datetime
    last: datetime
    watermark: datetime | None


class RejectedDocuments(_ManifestPart):
    """The number of unusable documents, and their share of all documents."""

    count: int
    share: float


class Manifest(_ManifestPart):
    """The content of a dataset.

    Watermarks and rejected documents are those of the run that first wrote this content. They are shown and decide
    nothing, and the hash does not cover them; it covers all else.
    """

    version: int
    hash: str
    columns: dict[str, str] = Field(alias="schema")
    features: list[str]
    files: list[DatasetFile]
    splits: dict[str, int]
    repositories: dict[str, RepositorySummary]
    rejected: RejectedDocuments


class Dataset(NamedTuple):
    """A dataset with its files on the local disk."""

    manifest: Manifest
    paths: dict[str, Path]

    def files(self, split: str) -> list[Path]:
        """Return the parquet files of a split, in order."""
        return [path for name, path in self.paths.items() if name.startswith(f"{split}/")]


_NOT_COVERED: dict[str, Any] = {"hash": True, "rejected": True, "repositories": {"__all__": {"watermark"}}}


def hash_content(manifest: Manifest) -> str:
    """Return the SHA-256 that names a dataset; it depends on the dataset's content alone, and on all of it."""
    content = manifest.model_dump(mode="json", exclude=_NOT_COVERED)
    content["columns"] = list(manifest.columns.items())
    content["files"].sort(key=lambda file: str(file["name"]))
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def name_by_content(manifest: Manifest) -> Manifest:
    """Return the manifest with the hash of its content."""
    return manifest.model_copy(update={"hash": hash_content(manifest)})


def format_dataset_uri(store: Store, name: str) -> str:
    """Return the URI of the dataset with this hash."""
    return f"{store.url}/{FOLDER}/{name}"


def load_manifest(store: Store, uri: str) -> Manifest:
    """Read the manifest of the dataset at `<store>/datasets/<hash>`.

    Raises:
        ConfigurationError: the dataset is in another store.
        NotFound: the dataset does not exist; an interrupted run leaves none.
        DamagedArtefact: the manifest does not match the hash.
        OtherVersion: the dataset was made by another version of this code.
    """
    key = _parse_key(store, uri)
    try:
        manifest = Manifest.model_validate_json(store.read(f"{key}/{MANIFEST}"))
    except ValidationError as error:
        raise _damage_error(f"{uri}/{MANIFEST}", f"it is not valid: {error.error_count()} errors") from None
    if manifest.version != VERSION:
        raise OtherVersion(
            f"{uri} is a dataset of version {manifest.version}; this code reads version {VERSION}.",
            advice="Run preprocess again.",
        )
    if not hash_content(manifest) == manifest.hash == key.rpartition("/")[2]:
        raise _damage_error(f"{uri}/{MANIFEST}", "its content does not match its hash")
    return manifest


def materialise(store: Store, uri: str, folder: Path, splits: Collection[str] = SPLITS) -> Dataset:
    """Provide a dataset's files on the local disk, downloading them only if necessary, and verify every hash.

    Args:
        store: the store that holds the dataset.
        uri: `<store>/datasets/<hash>`.
        folder: the folder for downloaded files.
        splits: the splits to provide.

    Raises:
        ConfigurationError, NotFound: as `load_manifest`.
        DamagedArtefact: a file, which the error names, is missing or has another hash than in the manifest.
    """
    manifest, key = load_manifest(store, uri), _parse_key(store, uri)
    paths = {}
    for file in (file for file in manifest.files if file.split in splits):
        try:
            paths[file.name] = store.ensure_local(f"{key}/{file.name}", folder)
        except NotFound:
            raise _damage_error(f"{uri}/{file.name}", "it is missing") from None
        if hash_file(paths[file.name]) != file.sha256:
            raise _damage_error(f"{uri}/{file.name}", "its hash is not the one in the manifest")
    return Dataset(manifest, paths)


def hash_file(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _parse_key(store: Store, uri: str) -> str:
    if not uri.startswith(f"{store.url}/"):
        raise ConfigurationError(
            f"{uri} is not in the store {store.url}.", advice="Correct STORE_URL or the dataset's URI."
        )
    return uri.removeprefix(f"{store.url}/")


def _damage_error(file: str, reason: str) -> DamagedArtefact:
    return DamagedArtefact(f"{file} is damaged: {reason}.", advice="Delete the dataset and run preprocess again.")
