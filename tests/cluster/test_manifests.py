"""All that kustomize puts together is valid by kubeconform, strictly, whoever applies it."""

import json
import shutil
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


@pytest.fixture(scope="module")
def kubeconform(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command, with the schemas of Kubernetes and of Argo."""
    folder = tmp_path_factory.mktemp("schemas")
    for kind in CRDS:
        (folder / f"{kind.lower()}.json").write_text(json.dumps(validator(kind).schema))
    own = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema" / f"v{KUBERNETES}.0-local-strict"
    for path in own.glob("*.json"):  # they refer to one another by addresses of the web
        text = (
            path.read_text().replace('"/api/_definitions.json', '"_definitions.json').replace('"$id":', '"$comment":')
        )
        (folder / path.name).write_text(text)
    places = (f"{folder}/{{{{.ResourceKind}}}}{suffix}.json" for suffix in ("{{.KindSuffix}}", ""))
    return ["kubeconform", "-strict", *(part for place in places for part in ("-schema-location", place)), "-"]


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_it_is_valid(kubeconform: list[str], folder: Path) -> None:
    """As a whole, with the patches and the components that it names."""
    assert not kube.run(*kubeconform, said=kube.run("kustomize", "build", str(ROOT / folder)))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_clouds_overlay_is_valid(kubeconform: list[str], cloud: str, environment: str, tmp_path: Path) -> None:
    """As `make cluster-settings` writes it; with an unknown field it is refused."""
    built = kube.run("kustomize", "build", str(write_overlay(cloud, environment, tmp_path)))
    assert not kube.run(*kubeconform, said=built)
    with pytest.raises(AssertionError, match="gatewayClass"):
        kube.run(*kubeconform, said=built.replace("gatewayClassName:", "gatewayClass:"))


def test_an_unknown_field_is_refused(kubeconform: list[str]) -> None:
    """Also deep in one of Argo's kinds."""
    wrong = kube.run("kustomize", "build", str(ROOT / "gitops" / "base")).replace("retryPolicy:", "retryPolice:")
    with pytest.raises(AssertionError, match="retryPolice"):
        kube.run(*kubeconform, said=wrong)
