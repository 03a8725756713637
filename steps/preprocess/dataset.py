"""Publication of a dataset: staged files move to a folder named by the hash of their content; the manifest is last."""

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
    format_dataset_uri,
    hash_content,
    load_manifest,
    name_by_content,
)
from steps.common.errors import DataError, NotFound
from steps.common.store import Store
from steps.preprocess.rows import ROW_SCHEMA
from steps.scoring.features import NAMES

STAGING = "staging"
MAX_STAGING_AGE = timedelta(days=1)
"""A run that lasts longer than this loses its staging folder."""

_TIME = "%Y%m%dT%H%M%SZ"


@contextmanager
def create_staging_folder(store: Store) -> Iterator[str]:
    """Create a folder of this run in the store and delete it afterwards, together with old ones of killed runs."""
    now = datetime.now(UTC)
    oldest_kept = f"{now - MAX_STAGING_AGE:{_TIME}}"
    for run in {key.split("/")[1] for key in store.list_keys(STAGING)}:
        if run < oldest_kept:
            store.delete(f"{STAGING}/{run}")
    own = f"{STAGING}/{now:{_TIME}}-{uuid.uuid4().hex}"
    try:
        yield own
    finally:
        store.delete(own)


def publish(
    store: Store,
    staged: str,
    files: Sequence[DatasetFile],
    repositories: Mapping[str, RepositorySummary],
    rejected: RejectedDocuments,
) -> Manifest:
    """Publish the files below `staged` as a dataset; if it exists already and is whole, its manifest stays unchanged.

    Returns:
        The manifest of this run; the stored one may differ in fields that the hash does not cover.
    """
    manifest = name_by_content(
        Manifest(
            version=VERSION,
            hash="",
            columns={field.name: str(field.type) for field in ROW_SCHEMA},
            features=list(NAMES),
            files=list(files),
            splits={split: sum(file.rows for file in files if file.split == split) for split in SPLITS},
            repositories=dict(repositories),
            rejected=rejected,
        )
    )
    for file in files:
        store.move(f"{staged}/{file.name}", f"{FOLDER}/{manifest.hash}/{file.name}")
    if not _is_published(store, manifest.hash):
        store.write(f"{FOLDER}/{manifest.hash}/{MANIFEST}", _serialise(manifest))
    return manifest


def remember(store: Store, inputs: str, manifest: Manifest) -> None:
    """Store the manifest that a run made of the inputs with this key."""
    store.write(_format_inputs_key(inputs), _serialise(manifest))


def recall(store: Store, inputs: str) -> Manifest | None:
    """Return the manifest that an earlier run made of these inputs, if it is whole and its dataset still exists."""
    try:
        manifest = Manifest.model_validate_json(store.read(_format_inputs_key(inputs)))
    except (NotFound, ValidationError):
        return None
    return manifest if manifest.hash == hash_content(manifest) and _is_published(store, manifest.hash) else None


def _is_published(store: Store, name: str) -> bool:
    """Return whether there is a dataset with this hash, with a manifest that matches it."""
    try:
        load_manifest(store, format_dataset_uri(store, name))
    except (NotFound, DataError):
        return False
    return True


def _serialise(manifest: Manifest) -> bytes:
    return f"{manifest.model_dump_json(by_alias=True, indent=2)}\n".encode()


def _format_inputs_key(inputs: str) -> str:
    return f"{FOLDER}/inputs/{inputs}.json"
