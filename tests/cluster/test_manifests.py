"""All that kustomize puts together is valid by kubeconform, strictly, whoever applies it."""

import json
import shutil
import subprocess
from itertools import chain, product
from pathlib import Path

import kubernetes_validate
import pytest

from infra.overlay import CLOUDS, ENVIRONMENTS
from tests.cluster import kube
from tests.support.clouds import write_overlay
from tests.support.schemas import CRDS, KUBERNETES, validator

ROOT = Path(__file__).parents[2]
FOLDERS = sorted(
    path.parent.relative_to(ROOT)
    for top in ("gitops", "rollouts")
    for path in (ROOT / top).glob("**/kustomization.yaml")
    if path.parent.parent != ROOT / "gitops" / "components"
)
"""Without the clouds' components, which need a cloud's settings and are tested with them below."""
PROGRAMS = ("kubeconform", "kustomize")
pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, PROGRAMS)), reason=f"{' and '.join(PROGRAMS)} are not on the PATH"
)


Findings = dict[str, str]


@pytest.fixture(scope="module")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The schemas of Kubernetes and of Argo."""
    folder = tmp_path_factory.mktemp("schemas")
    for kind in CRDS:
        (folder / f"{kind.lower()}.json").write_text(json.dumps(validator(kind).schema))
    own = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema" / f"v{KUBERNETES}.0-local-strict"
    for path in own.glob("*.json"):  # they refer to one another by addresses of the web
        text = (
            path.read_text().replace('"/api/_definitions.json', '"_definitions.json').replace('"$id":', '"$comment":')
        )
        (folder / path.name).write_text(text)
    return folder


def build(folder: Path) -> str:
    """What kustomize makes of a folder."""
    return kube.run("kustomize", "build", str(folder))


@pytest.fixture(scope="module")
def findings(schemas: Path, tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """What kubeconform says of each, by name; of all at once, because it reads the schemas for seconds."""
    folder = tmp_path_factory.mktemp("built")
    built = {str(one): build(ROOT / one) for one in FOLDERS}
    built["wrong"] = build(ROOT / "gitops" / "base").replace("retryPolicy:", "retryPolice:")
    for cloud, environment in product(CLOUDS, ENVIRONMENTS):
        whole = build(write_overlay(cloud, environment, tmp_path_factory.mktemp("overlay")))
        built[f"{cloud}-{environment}"] = whole
        built[f"{cloud}-{environment}-wrong"] = whole.replace("gatewayClassName:", "gatewayClass:")
    for name, text in built.items():
        file = folder / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    places = (f"{schemas}/{{{{.ResourceKind}}}}{suffix}.json" for suffix in ("{{.KindSuffix}}", ""))
    options = ["-strict", "-verbose", "-output", "json", *chain(*(("-schema-location", place) for place in places))]
    done = subprocess.run(["kubeconform", *options, str(folder)], capture_output=True, text=True, check=False)
    found: dict[str, list[str]] = {name: [] for name in built}
    for one in json.loads(done.stdout)["resources"]:
        name = str(Path(one["filename"]).relative_to(folder).with_suffix(""))
        # A component may hold nothing but patches.
        is_fine = one["status"] == "statusValid" or not built[name]
        found[name].append("" if is_fine else f"{one['name']}: {one['msg']}")
    assert all(found.values()), "kubeconform has not seen all of them"
    return {name: "\n".join(filter(None, lines)) for name, lines in found.items()}


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_it_is_valid(findings: Findings, folder: Path) -> None:
    """As a whole, with the patches and the components that it names."""
    assert findings[str(folder)] == ""


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_clouds_overlay_is_valid(findings: Findings, cloud: str, environment: str) -> None:
    """As `make cluster-settings` writes it; with an unknown field it is refused."""
    assert findings[f"{cloud}-{environment}"] == ""
    assert "gatewayClass" in findings[f"{cloud}-{environment}-wrong"]


def test_an_unknown_field_is_refused(findings: Findings) -> None:
    """Also deep in one of Argo's kinds."""
    assert "retryPolice" in findings["wrong"]
