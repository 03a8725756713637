"""What decides a dataset, as one key: documents, parameters, the code that reads them and the libraries below it."""

import hashlib
import json
import platform
from collections.abc import Sequence
from dataclasses import asdict

from steps.common.closure import ROOT, find_sources
from steps.common.provenance import hash_code
from steps.preprocess.source import Fingerprint

LIBRARIES = ("numpy", "narwhals", "pyarrow", "pydantic", "pymongo", "pyspark")


def key(repositories: Sequence[str], most_rejected: float, documents: Fingerprint) -> str:
    """The SHA-256 over all that; where any of it differs, the dataset has to be made again to be sure."""
    decides = {
        "repositories": list(repositories),
        "most_rejected": most_rejected,
        "documents": asdict(documents),
        "code": hash_code(find_sources(ROOT, ["steps.preprocess.step"]), LIBRARIES),
        "python": platform.python_version(),
    }
    return hashlib.sha256(json.dumps(decides, default=str).encode()).hexdigest()
