"""The files of a model: written with a manifest of their hashes, and read only if they have them."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from steps.common.errors import DamagedArtefact, OtherVersion

VERSION = 3
NETWORK = "model.onnx"
FILES = (NETWORK, "features.json", "thresholds.json", "golden.json")
MANIFEST = "manifest.json"
GOLDEN_REPOSITORY = "golden/example"
"""Of the golden pull requests; nobody else's are of it."""
TOLERANCE = 1e-6
"""By which their features and scores may differ."""
AGAIN = "Fetch the model again, or train it again."
_REFUSED = {".keras", ".h5", ".hdf5", ".pb", ".pkl", ".pickle", ".joblib", ".pt", ".pth"}
"""How files end that can run code when they are loaded."""


class Contents(NamedTuple):
    """The content of each of FILES, the manifest, and the manifest's own SHA-256, which stands for all of it."""

    files: dict[str, bytes]
    manifest: dict[str, Any]
    digest: str


def write(folder: Path, files: Mapping[str, bytes], facts: Mapping[str, Any]) -> None:
    """Write every file, and the manifest, with these facts in it, last."""
    for name, content in files.items():
        (folder / name).write_bytes(content)
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    (folder / MANIFEST).write_bytes(as_json({"version": VERSION, "sha256": hashes, **facts}))


def as_json(value: Any) -> bytes:
    """A value as every JSON file of a model has it."""
    return json.dumps(value, indent=1).encode()


def read(folder: Path) -> Contents:
    """Read every file once, checked against the manifest; nothing else in the folder is looked at.

    Raises:
        DamagedArtefact: a file or a hash is missing, a file has another hash, or the model is of another version.
    """
    content = find(folder, MANIFEST).read_bytes()
    manifest = _manifest(content, folder)
    files = {name: find(folder, name).read_bytes() for name in FILES}
    for name, found in files.items():
        if hashlib.sha256(found).hexdigest() != manifest["sha256"].get(name):
            raise DamagedArtefact(
                f"{name} of the model in {folder} does not have the hash its manifest names.", advice=AGAIN
            )
    return Contents(files, manifest, hashlib.sha256(content).hexdigest())


def find(folder: Path, name: str) -> Path:
    """A file of the artefact, beside the network or where MLflow puts what belongs to it.

    Raises:
        DamagedArtefact: it isn't there.
    """
    for place in (folder / name, folder / "extra_files" / name):
        if place.is_file():
            return place
    others = sorted(path.name for path in folder.glob("*") if path.suffix in _REFUSED)
    instead = f"; it holds {', '.join(others)}, and only ONNX is read" if others else ""
    raise DamagedArtefact(f"The model in {folder} lacks {name}{instead}.", advice=AGAIN)


def _manifest(content: bytes, folder: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads(content)
        version, _ = manifest["version"], dict(manifest["sha256"])
    except (ValueError, TypeError, KeyError):
        raise DamagedArtefact(f"The manifest of the model in {folder} can't be read.", advice=AGAIN) from None
    if version != VERSION:
        raise OtherVersion(
            f"The model in {folder} is of version {version}; this code reads version {VERSION}.",
            advice="Train it again, or use the code that it was trained with.",
        )
    return manifest
