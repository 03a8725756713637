"""The component that stores steps' logs: what Argo Workflows needs for it, and that every step reaches the store."""

from typing import Any

import pytest
import yaml

from tests.support import manifests
from tests.support.network import Place, allowed
from tests.support.schemas import faults, validator

FOLDER = manifests.ROOT / "gitops" / "components" / "archived-logs"
ANNOTATION = "workflows.argoproj.io/default-artifact-repository"


@pytest.fixture(scope="module")
def resources() -> dict[str, manifests.Document]:
    """What the component adds, by kind."""
    names = yaml.safe_load((FOLDER / "kustomization.yaml").read_text("utf-8"))["resources"]
    return {one["kind"]: one for one in (yaml.safe_load((FOLDER / name).read_text("utf-8")) for name in names)}


@pytest.fixture(scope="module")
def base() -> list[manifests.Document]:
    """What a cluster gets without it."""
    return manifests.documents()


@pytest.fixture(scope="module")
def s3(resources: dict[str, manifests.Document]) -> dict[str, Any]:
    """The repository that Argo Workflows takes unless a template names another."""
    config = resources["ConfigMap"]
    assert config["metadata"]["name"] == "artifact-repositories"
    return dict(yaml.safe_load(config["data"][config["metadata"]["annotations"][ANNOTATION]])["s3"])


def test_every_workflow_stores_its_logs(base: list[manifests.Document]) -> None:
    """By the field of the workflow, which its steps inherit."""
    (patch,) = yaml.safe_load((FOLDER / "kustomization.yaml").read_text("utf-8"))["patches"]
    assert patch["target"] == {"kind": "WorkflowTemplate"}
    (change,) = yaml.safe_load(patch["patch"])
    assert (change["op"], change["path"], change["value"]) == ("add", "/spec/archiveLogs", True)
    templates = [one for one in base if one["kind"] == "WorkflowTemplate"]
    assert len(templates) == 2
    assert [faults(one | {"spec": one["spec"] | {"archiveLogs": True}}) for one in templates] == [[], []]


def test_the_repository_is_one_that_argo_can_use(resources: dict[str, manifests.Document], s3: dict[str, Any]) -> None:
    """Its fields are those of the schema, its keys in a Secret, and no two logs have one name."""
    assert [faults(one) for one in resources.values()] == [[], []]
    template = validator("Workflow").schema["properties"]["spec"]["properties"]["templates"]["items"]
    known = template["properties"]["archiveLocation"]["properties"]["s3"]["properties"]
    assert set(s3) - set(known) == {"keyFormat"}
    assert {s3[name]["name"] for name in ("accessKeySecret", "secretKeySecret")} == {"archived-logs"}
    assert s3["keyFormat"].startswith("logs/")
    assert s3["keyFormat"].endswith("{{workflow.name}}/{{pod.name}}")


def test_the_pod_of_every_step_reaches_the_store(
    base: list[manifests.Document], resources: dict[str, manifests.Document], s3: dict[str, Any]
) -> None:
    """Also that of fetch, which has nothing else to do with it; other pods get nothing by it."""
    host, _, port = s3["endpoint"].partition(":")
    name, namespace, _ = host.split(".")
    store = Place(namespace, {"app.kubernetes.io/name": name})
    policies = [one for one in (*base, *resources.values()) if one["kind"] == "NetworkPolicy"]
    templates = [step for one in base if one["kind"] == "WorkflowTemplate" for step in one["spec"]["templates"]]
    steps = [step["metadata"]["labels"] for step in templates if "script" in step]
    assert len(steps) >= 6
    for labels in steps:
        source = Place("pr-sentinel", labels | {"workflows.argoproj.io/workflow": "pr-sentinel-1"})
        assert allowed(policies, source, store, int(port)), labels
    assert not allowed(policies, Place("pr-sentinel", {"app.kubernetes.io/component": "serve"}), store, int(port))
