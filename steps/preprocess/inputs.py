"""A hash of everything that determines a dataset: documents, parameters, our code, and the libraries it uses."""

import hashlib
import json
import platform
from collections.abc import Sequence
from dataclasses import asdict

from steps.common.closure import ROOT, find_sources
from steps.common.provenance import hash_code
from steps.preprocess.source import Fingerprint

LIBRARIES = ("numpy", "pyarrow", "pydantic", "pymongo", "pyspark")


def hash_inputs(repositories: Sequence[str], most_rejected: float, documents: Fingerprint) -> str:
    """Return the SHA-256 of the inputs; if any of them differs, the dataset may differ too."""
    content = {
        "repositories": list(repositories),
        "most_rejected": most_rejected,
        "documents": asdict(documents),
        "code": hash_code(find_sources(ROOT, ["steps.preprocess.step"]), LIBRARIES),
        "python": platform.python_version(),
    }
    return hashlib.sha256(json.dumps(content, default=str).encode()).hexdigest()
