"""The writing side of a dataset: staged files move to the hash of their content, and the manifest comes last."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError

from steps.common.dataset import (
    FOLDER,
    MANIFEST,
    SPLITS,
    VERSION,
    DatasetFile,
    Manifest,
    RejectedDocuments,
    RepositorySummary,
    hash_content,
)
from steps.common.errors import NotFound
from steps.common.store import Store
from steps.preprocess.rows import ROW_SCHEMA
from steps.scoring.features import NAMES

STAGING = "staging"
STAGING_KEPT = timedelta(days=1)
"""A run that is still going after this long has lost its staging folder."""

_TIME = "%Y%m%dT%H%M%SZ"


@contextmanager
def staging(store: Store) -> Iterator[str]:
    """A folder of one's own in the store, gone afterwards; what killed runs left goes when it is old enough."""
    now = datetime.now(UTC)
    oldest_kept = f"{now - STAGING_KEPT:{_TIME}}"
    for run in {key.split("/")[1] for key in store.list_keys(STAGING)}:
        if run < oldest_kept:
            store.delete(f"{STAGING}/{run}")
    mine = f"{STAGING}/{now:{_TIME}}-{uuid.uuid4().hex}"
    try:
        yield mine
    finally:
        store.delete(mine)


def publish(
    store: Store,
    staged: str,
    files: Sequence[DatasetFile],
    repositories: Mapping[str, RepositorySummary],
    rejected: RejectedDocuments,
) -> Manifest:
    """Make the files below `staged` a dataset; the same content is the same dataset, whose manifest stays as it was.

    Returns:
        The manifest of this run; the stored one may differ in what isn't part of the hash.
    """
    columns = {field.name: str(field.type) for field in ROW_SCHEMA}
    name = hash_content(columns, NAMES, files)
    manifest = Manifest(
        version=VERSION,
        hash=name,
        columns=columns,
        features=list(NAMES),
        files=list(files),
        splits={split: sum(file.rows for file in files if file.split == split) for split in SPLITS},
        repositories=dict(repositories),
        rejected=rejected,
    )
    for file in files:
        store.move(f"{staged}/{file.name}", f"{FOLDER}/{name}/{file.name}")
    if not store.exists(_manifest(name)):
        store.write(_manifest(name), _json(manifest))
    return manifest


def remember(store: Store, inputs: str, manifest: Manifest) -> None:
    """Keep what a run made of its inputs, which this key stands for."""
    store.write(_made_of(inputs), _json(manifest))


def recall(store: Store, inputs: str) -> Manifest | None:
    """The manifest of the run that had these inputs, if its dataset is still there."""
    try:
        manifest = Manifest.model_validate_json(store.read(_made_of(inputs)))
    except (NotFound, ValidationError):
        return None
    return manifest if store.exists(_manifest(manifest.hash)) else None


def _json(manifest: Manifest) -> bytes:
    return f"{manifest.model_dump_json(by_alias=True, indent=2)}\n".encode()


def _manifest(name: str) -> str:
    return f"{FOLDER}/{name}/{MANIFEST}"


def _made_of(inputs: str) -> str:
    return f"{FOLDER}/inputs/{inputs}.json"
