"""The schemas that an API server checks with: Kubernetes' own, and those of Argo Workflows."""

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

KUBERNETES = "1.34"
ARGO = "v3.7.3"
CACHE = Path(__file__).parents[1] / ".tools" / f"argo-{ARGO}"
ARGO_KINDS = ("Workflow", "WorkflowTemplate", "CronWorkflow")


def faults(document: dict[str, Any]) -> list[str]:
    """Where a manifest is wrong, and how, under strict field validation; nothing if it is valid."""
    if document["kind"] in ARGO_KINDS:
        errors = validator(document["kind"]).iter_errors(document)
        return [f"{error.json_path}: {error.message}" for error in errors]
    try:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [f"$.{'.'.join(map(str, error.path))}: {error.message}"]
    return []


@cache
def validator(kind: str) -> jsonschema.Draft202012Validator:
    """Argo's schema of a kind as the API server applies it under strict field validation."""
    kept = CACHE / f"{kind}.json"
    if not kept.is_file():
        CACHE.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(strict(definition(kind))))
    return jsonschema.Draft202012Validator(json.loads(kept.read_text()))


def definition(kind: str) -> dict[str, Any]:
    """The schema of a kind, out of Argo's Go module."""
    if not shutil.which("go"):
        pytest.skip("go is not on the PATH, and Argo's full schemas come in its Go module only")
    module = f"github.com/argoproj/argo-workflows/v3@{ARGO}"
    command = ["go", "mod", "download", "-json", module]
    download = subprocess.run(command, capture_output=True, text=True, cwd=CACHE, check=False)
    assert download.returncode == 0, f"go can't download {module}: {download.stderr}{download.stdout}"
    crds = Path(json.loads(download.stdout)["Dir"], "manifests", "base", "crds", "full")
    with (crds / f"argoproj.io_{kind.lower()}s.yaml").open() as file:
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
