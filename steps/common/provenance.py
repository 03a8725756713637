"""A hash of the code that determines a result, so that a stored result is reused only while that code is the same."""

import hashlib
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path


def hash_code(sources: Iterable[Path], packages: Iterable[str]) -> str:
    """Return the SHA-256 of the content of source files and the installed versions of packages."""
    digest = hashlib.sha256()
    for name in packages:
        digest.update(f"{name} {version(name)}\n".encode())
    for path in sorted(sources):
        digest.update(path.read_bytes())
    return digest.hexdigest()
