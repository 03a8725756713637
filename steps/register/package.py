"""From a registered version to its Bento in the store: the service's code, its packages and the model, in one file.

A Bento's tag is made of all that goes into it, and its place in the store is the hash of its bytes, which are the same
wherever the same is packed. So it doesn't matter who packs it, how often, and where one that did was killed.
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
from steps.common.errors import DataError
from steps.common.registry import Registry
from steps.common.store import Store
from steps.common.tracking import REGISTERED_MODEL
from steps.packaging import archive
from steps.register import contenders
from steps.scoring.artefact import FILES, MANIFEST, find

logger = logging.getLogger(__name__)
ENTRIES = ("steps.serve.service", "steps.serve.bento_worker")
"""What is started in a Bento: BentoML's service, and the worker of the image."""
SERVE = Path("steps", "serve")
OPTIONS = SERVE / "bentofile.yaml"
BESIDE = ("page/*", "requirements.txt", "bentofile.yaml", "bento.Dockerfile")
"""What the service has beside its code, below `steps/serve`."""
MODEL = Path("model")
REGISTRATION = "version.json"
DIGITS = 12
MOST_SAID = 2_000


class Registration(NamedTuple):
    """What a Bento's model is known by in the registry."""

    version: str
    made: datetime
    run_id: str
    reason: str

    @classmethod
    def of(cls, version: ModelVersion) -> "Registration":
        """That of a registered version."""
        made = datetime.fromtimestamp(version.creation_timestamp // 1_000, UTC)
        return cls(str(version.version), made, str(version.run_id), version.tags.get("reason", ""))

    def told(self) -> bytes:
        """What the service tells of it."""
        facts = {**self._asdict(), "name": REGISTERED_MODEL, "registered_at": self.made.isoformat()}
        del facts["made"]
        return f"{json.dumps(facts, indent=1, sort_keys=True)}\n".encode()


def ensure(registry: Registry, store: Store, version: ModelVersion) -> str:
    """Return the tag of a version's Bento, which is made where it is missing, damaged, or of other code than today's.

    Raises:
        DataError: the model is damaged, or doesn't fit the service.
        NotFound: MLflow or the store lacks something.
        Unavailable: one of them does not answer.
    """
    registration = Registration.of(version)
    wanted = tag(registration, version.tags.get("model_sha256", ""))
    known = version.tags.get(archive.KEY_TAG)
    if version.tags.get(archive.BENTO_TAG) == wanted and known and archive.is_whole(store, known):
        return wanted
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        model = contenders.load(f"models:/{REGISTERED_MODEL}/{version.version}", folder / "fetched")
        packed = make(model.place, registration, wanted, folder)
        key = archive.key(version.version, packed)
        store.upload(key, packed)
        registry.set_tags(version, {archive.KEY_TAG: key, archive.BENTO_TAG: wanted})
        logger.info("packaged", extra={"bento": wanted, "key": key, "bytes": packed.stat().st_size})
    return wanted


def tag(registration: Registration, model_sha256: str) -> str:
    """The name of the Bento that this code makes of a model."""
    named = [(path.relative_to(ROOT).as_posix(), hash_file(path)) for path in files()]
    content = json.dumps([named, registration.told().decode(), model_sha256])
    digest = hashlib.sha256(content.encode()).hexdigest()
    return f"{REGISTERED_MODEL}:{registration.version}-{digest[:DIGITS]}"


def files() -> list[Path]:
    """Every file of ours that a Bento holds, but the model."""
    beside = (path for pattern in BESIDE for path in (ROOT / SERVE).glob(pattern) if path.is_file())
    return sorted({*find_sources(ROOT, ENTRIES), *beside})


def make(model: Path, registration: Registration, tag: str, scratch: Path) -> Path:
    """Make a Bento of a model's folder, and return the file that holds it.

    Raises:
        DataError: the service would not use this model, or can't be built.
    """
    context, packed = scratch / "context", scratch / "packed.bento"
    for path in files():
        _copy(path, context / path.relative_to(ROOT))
    for name in (*FILES, MANIFEST):
        _copy(find(model, name), context / MODEL / name)
    (context / MODEL / REGISTRATION).write_bytes(registration.told())
    _check(context / MODEL)
    bento = _built(context, tag, scratch / "home")
    _date(bento / "bento.yaml", registration.made)
    archive.pack(bento, packed)
    return packed


def _check(model: Path) -> None:
    """Do what the service does before it is ready, so that no Bento is kept that never would be."""
    from steps.serve.runtime import load_model

    load_model(model)


def _built(context: Path, tag: str, home: Path) -> Path:
    """Let BentoML build all that is in a folder, in a process and a home of its own.

    The process imports the service from there, so nothing that it needs can be missing.
    """
    name, _, version = tag.partition(":")
    command = [sys.executable, "-P", "-m", "bentoml", "build", ".", "--bentofile", str(OPTIONS)]
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
        said = f"{done.stdout}{done.stderr}".strip()[-MOST_SAID:]
        raise DataError(f"The Bento {tag} can't be built: {said}", advice="Mend the service, and run it again.")
    return home / "bentos" / name / version


def _date(path: Path, made: datetime) -> None:
    """Say when the version was made, not when this ran, so that a second try gives the same bytes."""
    text = re.sub(r"(?m)^creation_time: .*$", f"creation_time: '{made.isoformat()}'", path.read_text("utf-8"), count=1)
    path.write_text(text, "utf-8")


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
