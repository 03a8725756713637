"""A Bento for tests: the real service around a small model, packed as register packs it."""

from pathlib import Path
from typing import NamedTuple

from steps.common.store import FolderStore
from steps.packaging import archive
from steps.register import package
from tests.support import builders
from tests.support.pulls import pulls

REGISTRATION = package.RegisteredVersion("7", "First: it is one.")


class Bento(NamedTuple):
    """The model's folder, the tag, the packed file, and the folder that `archive` unpacks it to."""

    model: Path
    tag: str
    packed: Path
    folder: Path


def model(folder: Path) -> Path:
    """A model that the service takes, in a folder."""
    builders.fitted(folder, pulls(600))
    return folder


def build(folder: Path) -> Bento:
    """Everything of one, below a folder."""
    made = model(folder / "model")
    tag = package.compute_tag(REGISTRATION, "")
    scratch = folder / "scratch"
    scratch.mkdir()
    packed = package.build(made, REGISTRATION, tag, scratch)
    return Bento(made, tag, packed, unpack(packed, folder))


def unpack(packed: Path, folder: Path) -> Path:
    """Unpack it below a folder, by way of a store, and return where."""
    store, key = FolderStore(folder / "store"), archive.build_key(REGISTRATION.version, packed)
    store.upload(key, packed)
    return archive.unpack(store, key, folder / "unpacked")
