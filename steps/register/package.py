"""Packaging of a registered version as a Bento in the store: the service's code, its packages and the model.

A Bento's tag is derived from everything that goes into it, and its key in the store is the hash of its bytes. The build
is reproducible, so it doesn't matter who builds it, how often, or whether a build was killed.
"""

import hashlib
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from mlflow.entities.model_registry import ModelVersion

from steps.common.closure import ROOT, find_sources
from steps.common.dataset import hash_file
from steps.common.errors import DataError, StorageFull, mentions_storage_full
from steps.common.registry import Registry
from steps.common.store import Store
from steps.common.tracking import REGISTERED_MODEL
from steps.packaging import archive
from steps.register import contenders
from steps.scoring import signature
from steps.scoring.artefact import FILES, MANIFEST, find

logger = logging.getLogger(__name__)
SERVE = Path("steps", "serve")
BENTOFILE = SERVE / "bentofile.yaml"
DATA_FILES = ("page/*", "requirements.txt", "bentofile.yaml", "bento.Dockerfile")
"""Files of the service other than code, below `steps/serve`."""
MODEL = Path("model")
REGISTRATION_FILE = "version.json"
SIGNER_TAG = "signed_by"
"""Tag of a version: the id of the key that has signed the model in its Bento, or `unsigned`."""
TAG_DIGITS = 12
MAX_OUTPUT = 2_000


class RegisteredVersion(NamedTuple):
    """What a Bento holds of its model's record in the registry: nothing that time or chance has a part in.

    When it was registered, and by which run, is in the registry alone. So the same model, registered under the same
    number for the same reason, makes the same bytes wherever and whenever it is packed.
    """

    version: str
    reason: str

    @classmethod
    def from_version(cls, version: ModelVersion) -> "RegisteredVersion":
        """Return the record of a registered version."""
        return cls(str(version.version), version.tags.get("reason", ""))

    def to_json(self) -> bytes:
        """Serialise it for the service, which shows it at `/model`."""
        facts = {**self._asdict(), "name": REGISTERED_MODEL}
        return f"{json.dumps(facts, indent=1, sort_keys=True)}\n".encode()


def ensure(registry: Registry, store: Store, version: ModelVersion, signing_key: str | None) -> str:
    """Return the tag of a version's Bento; build it if it is missing, damaged, of other code, or of another signer.

    Raises:
        ConfigurationError: the signing key can't be used.
        DataError: the model is damaged, or doesn't fit the service.
        NotFound: MLflow or the store lacks a file.
        Unavailable: one of them does not answer.
    """
    registration = RegisteredVersion.from_version(version)
    signer = signature.find_key_id(signing_key)
    wanted = compute_tag(registration, version.tags.get("model_sha256", ""), signer)
    known = version.tags.get(archive.KEY_TAG)
    if version.tags.get(archive.BENTO_TAG) == wanted and known and archive.is_whole(store, known):
        return wanted
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        model = contenders.load(f"models:/{REGISTERED_MODEL}/{version.version}", folder / "fetched")
        packed = build(model.place, registration, wanted, folder, signing_key)
        key = archive.build_key(version.version, packed)
        store.upload(key, packed)
        registry.set_tags(version, {archive.KEY_TAG: key, SIGNER_TAG: signer, archive.BENTO_TAG: wanted})
        size = packed.stat().st_size
        logger.info("packaged", extra={"bento": wanted, "key": key, "bytes": size, "signed_by": signer})
    return wanted


def compute_tag(registration: RegisteredVersion, model_sha256: str, signer: str = signature.UNSIGNED) -> str:
    """Compute the tag of the Bento that this code builds for a model and signs with this key."""
    hashes = [(path.relative_to(ROOT).as_posix(), hash_file(path)) for path in list_files()]
    content = json.dumps([hashes, registration.to_json().decode(), model_sha256, signer])
    digest = hashlib.sha256(content.encode()).hexdigest()
    return f"{REGISTERED_MODEL}:{registration.version}-{digest[:TAG_DIGITS]}"


def list_files() -> list[Path]:
    """List the project's files in a Bento, without the model."""
    beside = (path for pattern in DATA_FILES for path in (ROOT / SERVE).glob(pattern) if path.is_file())
    return sorted({*find_sources(ROOT, archive.ENTRY_POINTS), *beside})


def build(
    model: Path, registration: RegisteredVersion, tag: str, scratch: Path, signing_key: str | None = None
) -> Path:
    """Build a Bento from a model's folder, with the model signed if there is a key, and return the archive.

    Raises:
        ConfigurationError: the key can't be used.
        DataError: the service refuses the model, or the build fails.
    """
    context, packed = scratch / "context", scratch / "packed.bento"
    for path in list_files():
        _copy(path, context / path.relative_to(ROOT))
    for name in (*FILES, MANIFEST):
        _copy(find(model, name), context / MODEL / name)
    (context / MODEL / REGISTRATION_FILE).write_bytes(registration.to_json())
    _check(context / MODEL)
    if signing_key:
        (context / MODEL / signature.SIGNATURE).write_bytes(signature.sign(context / MODEL, signing_key))
    bento = _run_bentoml_build(context, tag, scratch / "home")
    _set_creation_time(bento / "bento.yaml", _find_data_end(context / MODEL / MANIFEST))
    archive.pack(bento, packed)
    return packed


def _check(model: Path) -> None:
    """Run the service's start-up checks, so that no Bento is stored that would never be ready."""
    from steps.serve.runtime import load_model

    load_model(model)


def _run_bentoml_build(context: Path, tag: str, home: Path) -> Path:
    """Run `bentoml build` in a folder, in a process and with a home directory of its own.

    The process imports the service from the folder, which proves that no module is missing.
    """
    name, _, version = tag.partition(":")
    command = [sys.executable, "-P", "-m", "bentoml", "build", ".", "--bentofile", str(BENTOFILE)]
    own = {"BENTOML_HOME": str(home), "BENTOML_DO_NOT_TRACK": "True", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(  # noqa: S603  the command is ours
        [*command, "--version", version, "--output", "tag"],
        cwd=context,
        env=os.environ | own,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        output = f"{done.stdout}{done.stderr}".strip()[-MAX_OUTPUT:]
        if mentions_storage_full(output):
            raise StorageFull(f"There is no space left to build the Bento {tag}.", advice="Free some space in TMPDIR.")
        raise DataError(
            f"The build of the Bento {tag} failed: {output}", advice="Fix the service, then run register again."
        )
    return home / "bentos" / name / version


def _find_data_end(manifest: Path) -> datetime:
    """Return when the last pull request was opened that the model knows of; 1970 where its manifest doesn't say."""
    try:
        return datetime.fromisoformat(json.loads(manifest.read_bytes())["data"]["last"]).astimezone(UTC)
    except (KeyError, TypeError, ValueError):
        return datetime.fromtimestamp(0, UTC)


def _set_creation_time(path: Path, when: datetime) -> None:
    """Set a creation time that belongs to the model instead of the build's, so that the archive is reproducible."""
    text = re.sub(r"(?m)^creation_time: .*$", f"creation_time: '{when.isoformat()}'", path.read_text("utf-8"), count=1)
    path.write_text(text, "utf-8")


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
