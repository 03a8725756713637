"""What a cluster gets, read as kustomize puts it together, and the pods that it makes of it."""

from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
BASE = ROOT / "gitops" / "base"
KEYS = ("containers", "initContainers", "volumes", "volumeMounts")
"""Lists that a patch adds to by name."""

Document = dict[str, Any]


def documents(folder: Path = BASE) -> list[Document]:
    """The resources of a kustomization, those of the folders that it names with them; a caller may change them."""
    return deepcopy(_read(folder))


@cache
def _read(folder: Path) -> list[Document]:
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text("utf-8"))
    found: list[Document] = []
    for name in kustomization["resources"]:
        path = folder / name
        found += documents(path) if path.is_dir() else yaml.safe_load_all(path.read_text("utf-8"))
    for document in found:
        if "namespace" in kustomization:
            document["metadata"].setdefault("namespace", kustomization["namespace"])
    patches = [
        yaml.safe_load((folder / patch["path"]).read_text("utf-8")) for patch in kustomization.get("patches", [])
    ]
    return [patched(document, patches) for document in found]


def patched(document: Document, patches: list[Document]) -> Document:
    """A resource with the patches that name it."""
    for patch in patches:
        if (patch["kind"], patch["metadata"]["name"]) == (document["kind"], document["metadata"]["name"]):
            document = merged(document, patch)
    return document


def of_kind(kind: str) -> list[Document]:
    """The resources of one kind."""
    return [deepcopy(document) for document in _read(BASE) if document["kind"] == kind]


def pods() -> list[Document]:
    """A pod of each step, as Argo's controller makes it, one of Spark's executors, the service's, and its checks'."""
    specs = [template["spec"] for template in of_kind("WorkflowTemplate")]
    steps = [pod(step, spec) for spec in specs for step in spec["templates"] if "script" in step]
    return [*steps, executor(), serving(), *checks()]


def pod(step: Document, spec: Document) -> Document:
    """The step's own container and Argo's two, with the patches of the workflow and of the step."""
    main = {key: value for key, value in step["script"].items() if key != "source"}
    mounted = {mount["name"] for mount in main["volumeMounts"]}
    made: Document = {
        "serviceAccountName": step["serviceAccountName"],
        "securityContext": step["securityContext"],
        "volumes": [*step["volumes"], *(volume for volume in spec["volumes"] if volume["name"] in mounted)],
        "containers": [{"name": "wait", "image": "argoexec"}, {"name": "main", **main}],
        "initContainers": [{"name": "init", "image": "argoexec"}],
    }
    for patch in (spec["podSpecPatch"], step.get("podSpecPatch", "")):
        made = merged(made, yaml.safe_load(patch) or {})
    labels = spec["podMetadata"]["labels"] | step["metadata"]["labels"]
    return resource("Pod", step["name"], labels, made)


def executor() -> Document:
    """A pod of Spark's, which adds what the template of it leaves open."""
    made: Document = yaml.safe_load((ROOT / "steps" / "preprocess" / "executor.yaml").read_text("utf-8"))
    made["metadata"]["name"] = "executor"
    (container,) = made["spec"]["containers"]
    bounds = {"cpu": "1", "memory": "2Gi"}
    container |= {"image": "pr-sentinel/preprocess", "resources": {"requests": bounds, "limits": bounds}}
    return made | {"spec": made["spec"] | {"serviceAccountName": "pr-sentinel-executor"}}


def serving() -> Document:
    """A pod of the service."""
    (rollout,) = of_kind("Rollout")
    template = rollout["spec"]["template"]
    return resource("Pod", "serve", template["metadata"]["labels"], template["spec"])


def checks() -> list[Document]:
    """A pod of each check that is a Job."""
    jobs = {
        metric["name"]: metric["provider"]["job"]["spec"]["template"]
        for template in of_kind("AnalysisTemplate")
        for metric in template["spec"]["metrics"]
        if "job" in metric["provider"]
    }
    return [resource("Pod", name, job["metadata"]["labels"], job["spec"]) for name, job in jobs.items()]


def resource(kind: str, name: str, labels: dict[str, str], spec: Document) -> Document:
    """A resource of Kubernetes' own first version."""
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "labels": labels}, "spec": spec}


def merged(into: Any, patch: Any, key: str = "") -> Any:
    """A strategic merge: maps by their keys, lists of named things by their names, anything else replaced."""
    if isinstance(into, dict) and isinstance(patch, dict):
        return into | {name: merged(into.get(name), value, name) for name, value in patch.items()}
    if key in KEYS and into:
        named = {entry["name"]: entry for entry in into}
        return list((named | {entry["name"]: merged(named.get(entry["name"]), entry) for entry in patch}).values())
    return deepcopy(patch)
