"""What is rendered is valid by the schemas that Argo's own API server checks with, and what is not is refused."""

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from workflows import render

ROOT = Path(__file__).parents[2]
ARGO = "v3.7.3"
CACHE = ROOT / ".tools" / f"argo-{ARGO}"
PLURALS = {"WorkflowTemplate": "workflowtemplates", "CronWorkflow": "cronworkflows"}
REFUSED = sorted((ROOT / "tests" / "refused").glob("*.yaml"))

pytestmark = pytest.mark.skipif(
    not shutil.which("go"), reason="go is not on the PATH, and Argo's full schemas come in its Go module only"
)


@cache
def validator(kind: str) -> jsonschema.Draft202012Validator:
    """The schema of a kind as the API server applies it under strict field validation."""
    kept = CACHE / f"{kind}.json"
    if not kept.is_file():
        CACHE.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(strict(definition(kind))))
    return jsonschema.Draft202012Validator(json.loads(kept.read_text()))


def definition(kind: str) -> dict[str, Any]:
    """The schema of a kind, out of Argo's Go module."""
    module = f"github.com/argoproj/argo-workflows/v3@{ARGO}"
    command = ["go", "mod", "download", "-json", module]
    download = subprocess.run(command, capture_output=True, text=True, cwd=CACHE, check=False)
    assert download.returncode == 0, f"go can't download {module}: {download.stderr}{download.stdout}"
    crds = Path(json.loads(download.stdout)["Dir"], "manifests", "base", "crds", "full")
    with (crds / f"argoproj.io_{PLURALS[kind]}.yaml").open() as file:
        document = yaml.load(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  both are safe
    (version,) = document["spec"]["versions"]
    schema: dict[str, Any] = version["schema"]["openAPIV3Schema"]
    # The API server knows these two by itself.
    schema["properties"]["kind"] = {"const": kind}
    schema["properties"]["metadata"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return schema


def strict(schema: Any) -> Any:
    """A structural schema in JSON schema's own words: no unknown fields, integers or strings where both will do."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: strict(value) for key, value in schema.items()}
    if schema.get("x-kubernetes-int-or-string") is True:
        made["type"] = ["integer", "string"]
    if schema.get("type") == "object" and schema.get("x-kubernetes-preserve-unknown-fields") is not True:
        made.setdefault("additionalProperties", False)
    return made


@pytest.mark.parametrize("path", sorted(render.rendered()), ids=lambda path: path.name)
def test_what_is_rendered_is_valid(path: Path) -> None:
    """By the full schemas, which refuse unknown and ill-typed fields."""
    document = yaml.safe_load(path.read_text("utf-8"))
    assert list(validator(document["kind"]).iter_errors(document)) == []


@pytest.mark.parametrize("path", REFUSED, ids=lambda path: path.stem)
def test_what_must_be_refused_is_refused_for_its_reason(path: Path) -> None:
    """Each manifest's first line says where it is wrong, and how."""
    text = path.read_text("utf-8")
    reason = text.splitlines()[0].removeprefix("# ")
    document = yaml.safe_load(text)
    found = [f"{error.json_path}: {error.message}" for error in validator(document["kind"]).iter_errors(document)]
    assert found == [reason]


def test_there_is_something_to_refuse() -> None:
    """A moved folder would make the test above pass by itself."""
    assert len(REFUSED) >= 5
