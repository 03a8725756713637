"""What decides a dataset, as one key: documents, parameters, the code that reads them and the libraries below it."""

import hashlib
import json
import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from steps.preprocess.source import Fingerprint

LIBRARIES = ("numpy", "narwhals", "pyarrow", "pydantic", "pymongo", "pyspark")


def key(repositories: Sequence[str], most_rejected: float, documents: Fingerprint) -> str:
    """The SHA-256 over all that; where any of it differs, the dataset has to be made again to be sure."""
    decides = {
        "repositories": list(repositories),
        "most_rejected": most_rejected,
        "documents": asdict(documents),
        "code": _code(),
        "libraries": {name: version(name) for name in LIBRARIES},
        "python": platform.python_version(),
    }
    return hashlib.sha256(json.dumps(decides, default=str).encode()).hexdigest()


def _code() -> str:
    """The SHA-256 of this step's source and of what it shares with others."""
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted([*here.glob("*.py"), *(here.parent / "common").glob("*.py")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()
