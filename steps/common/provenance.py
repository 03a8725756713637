"""Which code makes a result: one hash, so that a result is found again only while what decides it is the same."""

import hashlib
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path


def code_hash(sources: Iterable[Path], packages: Iterable[str]) -> str:
    """The SHA-256 over the content of source files and the installed versions of packages."""
    digest = hashlib.sha256()
    for name in packages:
        digest.update(f"{name} {version(name)}\n".encode())
    for path in sorted(sources):
        digest.update(path.read_bytes())
    return digest.hexdigest()
