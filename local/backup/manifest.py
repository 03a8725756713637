"""The list of what a backup holds; it is read strictly, as what it names is read and written."""

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from local.backup.part import BackupPart
from steps.common.errors import DamagedArtefact, NotFound, OtherVersion

FORMAT = 1
FILE = "manifest.json"
CHECKSUM = "manifest.sha256"
"""The manifest's own hash, in the form of `sha256sum -c`."""
MAX_BYTES = 256 << 20
MAX_KEY = 1024
MAX_NAME = 255
DATABASE = "registry/mlflow.db"
ARTEFACTS = "registry/artefacts"
STORE = "store"


def check_key(key: str) -> str:
    """Return a key that names a file below a folder.

    Raises:
        ValueError: it names something else, such as `../a`, or is too long.
    """
    names = key.split("/")
    if len(key) > MAX_KEY or any(name in {"", ".", ".."} or len(name) > MAX_NAME for name in names):
        raise ValueError("not the key of an object")
    if not key.isprintable() or "\\" in key:
        raise ValueError("not a printable key")
    return key


Key = Annotated[str, AfterValidator(check_key)]
CollectionName = Annotated[str, Field(pattern=r"^[^$\x00]+$", max_length=255)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class SavedFile(_Strict):
    """A file of the backup: its size in bytes and its hash."""

    size: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Index(_Strict):
    """An index of a collection, but for the one of `_id`, which every collection has; options are 1 for true."""

    keys: list[tuple[str, int | str]] = Field(min_length=1, max_length=32, strict=False)
    options: dict[Literal["expireAfterSeconds", "unique", "sparse"], int]


class SavedCollection(SavedFile):
    """A collection: its documents as BSON, one after another, compressed by gzip."""

    documents: int = Field(ge=0)
    indexes: list[Index]


class SavedRegistry(_Strict):
    """MLflow's database, and the files of its runs if they lie outside the store."""

    database: SavedFile
    runs: int = Field(ge=0)
    versions: int = Field(ge=0)
    artefacts: dict[Key, SavedFile]


class BackupManifest(_Strict):
    """What a backup holds; a part that is None is not in it."""

    format: Literal[1]
    created_at: datetime = Field(strict=False)
    version: str = Field(max_length=100)
    git_commit: str = Field(max_length=100)
    mongodb: dict[CollectionName, SavedCollection] | None
    registry: SavedRegistry | None
    store: dict[Key, SavedFile] | None

    def list_parts(self) -> list[BackupPart]:
        """Return the parts that are in the backup."""
        return [part for part in BackupPart if getattr(self, part) is not None]

    def iterate_files(self, part: BackupPart) -> Iterator[tuple[str, SavedFile]]:
        """Yield the paths of a part's files inside the backup, and what they have to be."""
        if part is BackupPart.MONGODB:
            yield from ((locate_collection(name), one) for name, one in (self.mongodb or {}).items())
        elif part is BackupPart.STORE:
            yield from ((f"{STORE}/{key}", file) for key, file in (self.store or {}).items())
        elif self.registry:
            yield DATABASE, self.registry.database
            yield from ((f"{ARTEFACTS}/{key}", file) for key, file in self.registry.artefacts.items())

    def count_entries(self, part: BackupPart) -> int:
        """Return the number of a part's documents, of its runs and versions, or of its objects."""
        if part is BackupPart.MONGODB:
            return sum(one.documents for one in (self.mongodb or {}).values())
        if part is BackupPart.STORE:
            return len(self.store or {})
        return self.registry.runs + self.registry.versions if self.registry else 0

    def measure(self, part: BackupPart) -> int:
        """Return the size of a part's files in bytes."""
        return sum(file.size for _, file in self.iterate_files(part))


def locate_collection(name: str) -> str:
    """Return the path of a collection's file inside the backup."""
    return f"mongodb/{quote(name, safe='')}.bson.gz"


def dump(manifest: BackupManifest) -> dict[str, bytes]:
    """Return the content of the manifest's files by name."""
    content = manifest.model_dump_json(indent=1).encode()
    return {FILE: content, CHECKSUM: f"{hashlib.sha256(content).hexdigest()}  {FILE}\n".encode()}


def load(folder: Path) -> BackupManifest:
    """Load the manifest of a backup.

    Raises:
        NotFound: the folder holds no backup.
        OtherVersion: another version of this code has written it.
        DamagedArtefact: it was changed, or names what no backup has.
    """
    try:
        with (folder / FILE).open("rb") as file, (folder / CHECKSUM).open("rb") as sums:
            content, checksum = file.read(MAX_BYTES + 1), sums.read(MAX_KEY)
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(
            f"{folder} is not a complete backup.", advice="Name the folder that `pr-sentinel backup` has written."
        ) from None
    if len(content) > MAX_BYTES or hashlib.sha256(content).hexdigest() != checksum.decode(errors="replace")[:64]:
        raise _build_damage(folder, "its hash is another one")
    try:
        written = json.loads(content)
        if isinstance(written, dict) and written.get("format") != FORMAT:
            raise OtherVersion(
                f"The backup {folder} has a format that this version can't read.",
                advice="Restore it with the version that has written it, then upgrade.",
            )
        return BackupManifest.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise _build_damage(folder, f"{'.'.join(map(str, first['loc'][:2]))}: {first['msg']}") from None
    except (ValueError, RecursionError):
        raise _build_damage(folder, "it is not JSON") from None


def _build_damage(folder: Path, why: str) -> DamagedArtefact:
    return DamagedArtefact(f"The manifest of the backup {folder} is not valid ({why!a}).", advice="Use another backup.")
