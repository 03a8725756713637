"""The packages of a Bento are those of the lock file, each with its hashes."""

import re
import subprocess

from steps.register import package
from tests.support.command_line import ROOT
from tests.support.interpreters import UV

LOCKED = ROOT / package.SERVE / "requirements.txt"
EXPORT = ["export", "--frozen", "--only-group", "serve", "--no-annotate", "--no-header", "--quiet"]


def test_requirements_match_the_lock_file() -> None:
    """A difference means that `make lock` was forgotten, or that somebody edited what is generated."""
    exported = subprocess.run([UV, *EXPORT], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert LOCKED.read_text() == f"# Generated from uv.lock; do not edit: make lock\n{exported}"


def test_each_requirement_is_pinned_and_has_a_hash() -> None:
    """What was changed on the way is not installed."""
    requirements = LOCKED.read_text().replace("\\\n", " ").splitlines()[1:]
    assert len(requirements) > 50
    for line in requirements:
        assert re.match(r"[a-z0-9-]+==[^ ]+ .*--hash=sha256:[0-9a-f]{64}", line), line


def test_no_requirement_trains_or_stores() -> None:
    """No TensorFlow, Spark, MLflow, pandas or S3 client in the service."""
    found = set(re.findall(r"(?m)^([a-z0-9-]+)==", LOCKED.read_text()))
    assert not found & {"boto3", "hera", "keras", "mlflow", "mlflow-skinny", "pandas", "pyspark", "scikit-learn"}
    assert not [name for name in found if name.startswith("tensorflow")]
    assert {"bentoml", "fastapi", "onnxruntime", "pymongo"} <= found
