"""The schemas that an API server checks with: Kubernetes' own, and those of what runs on it."""

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
CACHE = Path(__file__).parents[2] / ".tools" / "argo"
WORKFLOWS = "github.com/argoproj/argo-workflows/v3@v3.7.15"
NEXT_WORKFLOWS = "github.com/argoproj/argo-workflows/v4@v4.0.5"
"""The version that clusters may go on to, by the same manifests."""
ROLLOUTS = "github.com/argoproj/argo-rollouts@v1.9.0"
CD = "github.com/argoproj/argo-cd/v3@v3.2.11"
CERTIFICATES = "github.com/cert-manager/cert-manager@v1.19.1"
GATEWAY = "sigs.k8s.io/gateway-api@v1.4.0"
KARPENTER = "sigs.k8s.io/karpenter@v1.8.0"
CILIUM = "github.com/cilium/cilium@v1.18.4"
OPERATOR = "github.com/prometheus-operator/prometheus-operator@v0.85.0"
CRDS = {
    "Workflow": (WORKFLOWS, "manifests/base/crds/full/argoproj.io_workflows.yaml"),
    "WorkflowTemplate": (WORKFLOWS, "manifests/base/crds/full/argoproj.io_workflowtemplates.yaml"),
    "CronWorkflow": (WORKFLOWS, "manifests/base/crds/full/argoproj.io_cronworkflows.yaml"),
    "Rollout": (ROLLOUTS, "manifests/crds/rollout-crd.yaml"),
    "AnalysisTemplate": (ROLLOUTS, "manifests/crds/analysis-template-crd.yaml"),
    "Application": (CD, "manifests/crds/application-crd.yaml"),
    "PodMonitor": (OPERATOR, "example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml"),
    "PrometheusRule": (OPERATOR, "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml"),
    "AppProject": (CD, "manifests/crds/appproject-crd.yaml"),
    "ApplicationSet": (CD, "manifests/crds/applicationset-crd.yaml"),
    "ClusterIssuer": (CERTIFICATES, "deploy/crds/cert-manager.io_clusterissuers.yaml"),
    "Gateway": (GATEWAY, "config/crd/standard/gateway.networking.k8s.io_gateways.yaml"),
    "GatewayClass": (GATEWAY, "config/crd/standard/gateway.networking.k8s.io_gatewayclasses.yaml"),
    "HTTPRoute": (GATEWAY, "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"),
    "NodePool": (KARPENTER, "pkg/apis/crds/karpenter.sh_nodepools.yaml"),
    "CiliumNetworkPolicy": (CILIUM, "pkg/k8s/apis/cilium.io/client/crds/v2/ciliumnetworkpolicies.yaml"),
}
"""The Go module and the file in it that define each of their kinds."""


def faults(document: dict[str, Any], module: str = "") -> list[str]:
    """Where a manifest is wrong, and how, under strict field validation; nothing if it is valid.

    Another version of the module that defines its kind may be given.
    """
    if document["kind"] in CRDS:
        errors = validator(document["kind"], module or CRDS[document["kind"]][0]).iter_errors(document)
        return [f"{error.json_path}: {error.message}" for error in errors]
    try:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [f"$.{'.'.join(map(str, error.path))}: {error.message}"]
    return []


@cache
def validator(kind: str, module: str = "") -> jsonschema.Draft202012Validator:
    """Argo's schema of a kind as the API server applies it under strict field validation."""
    module = module or CRDS[kind][0]
    kept = CACHE / f"{kind}-{module.rpartition('@')[2]}.json"
    if not kept.is_file():
        CACHE.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(strict(definition(kind, module))))
    return jsonschema.Draft202012Validator(json.loads(kept.read_text()))


def definition(kind: str, module: str) -> dict[str, Any]:
    """The schema of a kind, out of a Go module."""
    with (source(module) / CRDS[kind][1]).open() as file:
        document = yaml.load(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  both are safe
    (version,) = (each for each in document["spec"]["versions"] if each["storage"])
    schema: dict[str, Any] = version["schema"]["openAPIV3Schema"]
    # The API server knows these two by itself.
    schema["properties"]["kind"] = {"const": kind}
    schema["properties"]["metadata"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return schema


def source(module: str) -> Path:
    """The folder of a Go module, which is downloaded where it is missing."""
    if not shutil.which("go"):
        pytest.skip("go is not on the PATH, and full schemas come in Go modules only")
    command = ["go", "mod", "download", "-json", module]
    download = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent, check=False)
    assert download.returncode == 0, f"go can't download {module}: {download.stderr}{download.stdout}"
    return Path(json.loads(download.stdout)["Dir"])


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
