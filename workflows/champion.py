"""The Bento of the champion, from the registry and the store to a folder on this machine."""

import os
from pathlib import Path
from typing import NamedTuple

from steps.common.errors import NotFound
from steps.common.settings import StoreSettings, TrackingSettings
from steps.common.store import open_store
from workflows import embedded


class Champion(NamedTuple):
    """A version, the tag of its Bento, and the folder of that."""

    version: str
    tag: str
    folder: Path


def find(state: Path) -> Champion:
    """The version that the alias names, with its Bento fetched, checked and unpacked below the state folder.

    Raises:
        NotFound: there is none of them.
        DamagedArtefact: the Bento is not what the registry says.
        Unavailable: the registry or the store does not answer.
    """
    if "MLFLOW_URI" not in os.environ and not (state / "mlflow.db").is_file():
        raise no_model()
    from steps.common.tracking import connected
    from steps.register import archive, package
    from steps.register.versions import Registry

    places = embedded.places(state)
    with connected(TrackingSettings(mlflow_uri=places["MLFLOW_URI"])) as client:
        version = Registry(client).champion()
    if version is None:
        raise no_model()
    if package.KEY not in version.tags:
        raise NotFound(f"Version {version.version}, the champion, has no Bento.", advice=archive.AGAIN)
    store = open_store(StoreSettings(store_url=places["STORE_URL"]))
    folder = archive.unpacked(store, version.tags[package.KEY], state / archive.FOLDER)
    return Champion(str(version.version), version.tags[package.TAG], folder)


def no_model() -> NotFound:
    """What is said where nothing has been trained and accepted."""
    return NotFound(
        "There is no champion model yet.",
        advice='Run make run, or make run REPOS="owner/name"; its last lines say whether the model was accepted.',
    )
