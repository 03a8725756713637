"""The champion's Bento, fetched from the registry and the store into a folder."""

from pathlib import Path
from typing import NamedTuple

from steps.common.errors import NotFound
from steps.common.settings import StoreSettings, TrackingSettings
from steps.common.store import open_store
from steps.packaging import archive


class ChampionBento(NamedTuple):
    """A registered version, the tag of its Bento, and the folder that holds the Bento."""

    version: str
    tag: str
    folder: Path


def fetch(tracking: TrackingSettings, places: StoreSettings, folder: Path) -> ChampionBento:
    """Fetch, verify and unpack the Bento of the version that the alias `champion` names.

    Args:
        tracking: the MLflow server or database that holds the registry.
        places: the store that holds the Bentos.
        folder: where Bentos are unpacked, each below its own hash; an existing one is reused.

    Raises:
        NotFound: there is no champion, or it has no Bento.
        DamagedArtefact: the Bento is not the one that the registry names.
        Unavailable: the registry or the store does not answer.
    """
    from steps.common.registry import Registry
    from steps.common.tracking import connect

    with connect(tracking) as client:
        version = Registry(client).get_champion()
    if version is None:
        raise no_champion_error()
    if archive.KEY_TAG not in version.tags:
        raise NotFound(f"Version {version.version}, the champion, has no Bento.", advice=archive.AGAIN)
    unpacked = archive.unpack(open_store(places), version.tags[archive.KEY_TAG], folder)
    return ChampionBento(str(version.version), version.tags[archive.BENTO_TAG], unpacked)


def no_champion_error() -> NotFound:
    """Return the error for a registry without a champion."""
    return NotFound(
        "There is no champion model yet.",
        advice='Run make run, or make run REPOS="owner/name"; its last lines say whether the model was accepted.',
    )
