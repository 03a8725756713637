"""The manifests of staging and production as kustomize builds them, and Argo CD's applications."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from release import images, rendering
from release.images import COMPONENT, IMAGES, MODEL, SERVE, ReleasedModel
from tests.support import kubectl
from tests.support.clouds import SETTINGS as CLOUD_SETTINGS
from tests.support.clouds import write_overlay

pytestmark = kubectl.needed

ROOT = Path(__file__).parents[2]
CLUSTERS = ROOT / "gitops" / "clusters"
SETTINGS = "pr-sentinel/settings"
WAVE = "argocd.argoproj.io/sync-wave"
Document = dict[str, Any]


@pytest.fixture(scope="module")
def built() -> dict[str, list[Document]]:
    """Both clusters, and the folder that Argo CD begins with."""
    return {
        name: rendering.parse_documents(rendering.render(CLUSTERS / name)) for name in ("staging", "production", "root")
    }


def key(document: Document) -> tuple[str, str]:
    return document["kind"], document["metadata"]["name"]


def find_rollout(documents: list[Document]) -> Document:
    (found,) = (one for one in documents if one["kind"] == "Rollout")
    return found


def without_settings_revision(documents: list[Document]) -> list[Document]:
    """The manifests without the copy of the settings, whose name is their hash."""
    kept = [one for one in documents if not one["metadata"]["name"].startswith("settings-revision-")]
    rollout = find_rollout(kept)
    template = rollout["spec"]["template"]
    annotations = {name: text for name, text in template["metadata"]["annotations"].items() if name != SETTINGS}
    metadata = template["metadata"] | {"annotations": annotations}
    spec = rollout["spec"] | {"template": template | {"metadata": metadata}}
    return [one if one is not rollout else rollout | {"spec": spec} for one in kept]


def test_staging_and_production_differ_in_settings_schedule_and_replicas_alone(
    built: dict[str, list[Document]],
) -> None:
    """Whatever else one has, the other has too."""
    staging, production = (
        {key(one): one for one in without_settings_revision(built[name])} for name in ("staging", "production")
    )
    assert staging.keys() == production.keys()
    differing = {name for name in staging if staging[name] != production[name]}
    assert differing <= {
        ("ConfigMap", "pr-sentinel-settings"),
        ("CronWorkflow", "pr-sentinel"),
        ("CronWorkflow", "pr-sentinel-monitor"),
        ("HorizontalPodAutoscaler", "model-serving"),
    }
    for name in ("pr-sentinel", "pr-sentinel-monitor"):
        specs = [one[("CronWorkflow", name)]["spec"] for one in (staging, production)]
        for spec in specs:
            spec["workflowSpec"].pop("arguments", None)
        assert specs[0] == specs[1]


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("settings.yaml", "VAULT_ADDR: ", "GITHUB_API_URL: https://github.example/api/v3\n  VAULT_ADDR: "),
        ("cloud/cloud.yaml", CLOUD_SETTINGS["digitalocean"]["STORE_URL"], "s3://another-bucket"),
    ],
)
def test_a_change_of_the_settings_is_a_new_revision_of_the_service(
    tmp_path: Path, name: str, old: str, new: str
) -> None:
    """Checked and promoted like any other; the same settings are none, and nothing but the settings is new."""
    folder = write_overlay("digitalocean", "staging", tmp_path).parent / "staging"
    path = folder / name
    before, again = (rendering.parse_documents(rendering.render(folder)) for _ in range(2))
    assert before == again
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    after = rendering.parse_documents(rendering.render(folder))
    templates = [find_rollout(each)["spec"]["template"]["metadata"]["annotations"] for each in (before, after)]
    assert templates[0].pop(SETTINGS) != templates[1].pop(SETTINGS)
    assert templates[0] == templates[1]
    differing = [
        key(one)
        for one, other in zip(without_settings_revision(before), without_settings_revision(after), strict=True)
        if one != other
    ]
    assert differing == [("ConfigMap", "pr-sentinel-settings")]


def test_a_release_reaches_every_place_that_names_an_image(tmp_path: Path) -> None:
    """By digest, in containers, in steps, and in the variable that names Spark's executors; and the model with it."""
    for name in ("gitops", "rollouts"):
        shutil.copytree(ROOT / name, tmp_path / name)
    text = (tmp_path / COMPONENT).read_text()
    for number, name in enumerate(IMAGES):
        text = images.replace_image(text, name, f"registry.example/{name}@sha256:{number:064x}")
    (tmp_path / COMPONENT).write_text(text)
    (tmp_path / MODEL).write_text(images.replace_model((tmp_path / MODEL).read_text(), ReleasedModel("a" * 64, "7")))
    rendered = rendering.render(tmp_path / "gitops/clusters/production")
    assert [word for word in rendered.split() if word in IMAGES] == []
    for number, name in enumerate(IMAGES):
        assert f" registry.example/{name}@sha256:{number:064x}\n" in rendered
    (rollout,) = (one for one in rendering.parse_documents(rendered) if one["kind"] == "Rollout")
    template = rollout["spec"]["template"]
    assert template["metadata"]["annotations"]["pr-sentinel/model-version"] == "7"
    digest = f"sha256:{IMAGES.index(SERVE):064x}"
    assert template["spec"]["containers"][0]["image"] == f"registry.example/{SERVE}@{digest}"


def test_the_two_follow_their_branches_of_one_repository(built: dict[str, list[Document]]) -> None:
    """Each in its own cluster, healing and pruning."""
    named = {one["metadata"]["name"]: one["spec"] for one in built["root"] if one["kind"] == "Application"}
    follows = {
        name: (spec["destination"]["name"], spec["source"]["targetRevision"], spec["source"]["path"])
        for name, spec in named.items()
    }
    assert follows == {
        "pr-sentinel": ("in-cluster", "main", "gitops/clusters/root"),
        "pr-sentinel-staging": ("staging", "staging", "gitops/clusters/staging"),
        "pr-sentinel-production": ("production", "main", "gitops/clusters/production"),
    }
    assert all((ROOT / path).is_dir() for _, _, path in follows.values())
    assert all(spec["syncPolicy"]["automated"] == {"prune": True, "selfHeal": True} for spec in named.values())
    assert all(one["metadata"]["namespace"] == "argocd" for one in built["root"])


@pytest.mark.parametrize(("environment", "branch"), [("staging", "staging"), ("production", "main")])
def test_an_argo_cd_of_its_own_knows_one_environment_alone(environment: str, branch: str) -> None:
    """In its own cluster, and keeps itself up to date from the folder that it began with."""
    found = rendering.parse_documents(rendering.render(CLUSTERS / "single" / environment))
    specs = {one["metadata"]["name"]: one["spec"] for one in found if one["kind"] == "Application"}
    follows = {
        name: (spec["destination"]["name"], spec["source"]["targetRevision"], spec["source"]["path"])
        for name, spec in specs.items()
    }
    assert follows == {
        "pr-sentinel": ("in-cluster", "main", f"gitops/clusters/single/{environment}"),
        f"pr-sentinel-{environment}": ("in-cluster", branch, f"gitops/clusters/{environment}"),
    }
    (project,) = (one["spec"] for one in found if one["kind"] == "AppProject")
    assert project["destinations"] == [{"name": "in-cluster", "namespace": "pr-sentinel"}]
    assert {one["metadata"]["namespace"] for one in found} == {"argocd"}


def test_the_repository_is_named_once(built: dict[str, list[Document]], tmp_path: Path) -> None:
    """A fork changes one line, and everything follows it."""
    shutil.copytree(CLUSTERS / "root", tmp_path / "root")
    path = tmp_path / "root" / "repository.yaml"
    own = yaml.safe_load(path.read_text())["data"]["url"]
    path.write_text(path.read_text().replace(own, "https://git.example/fork.git"))
    forked = rendering.render(tmp_path / "root")
    assert own not in forked
    assert forked.count("https://git.example/fork.git") == 4
    assert "ConfigMap" not in {one["kind"] for one in built["root"]}


def test_the_project_allows_what_the_clusters_get_and_no_more(built: dict[str, list[Document]]) -> None:
    """Each kind, in this namespace or in none; those that a cloud's component adds too."""
    (project,) = (one["spec"] for one in built["root"] if one["kind"] == "AppProject")
    added = [
        one for path in CLUSTERS.parent.glob("components/*/[!k]*.yaml") for one in yaml.safe_load_all(path.read_text())
    ]
    rendered = [*built["staging"], *built["production"], *added]
    wide = {group(one) for one in rendered if "namespace" not in one["metadata"]}
    assert wide == {(one["group"], one["kind"]) for one in project["clusterResourceWhitelist"]}
    narrow = {group(one) for one in rendered} - wide
    assert narrow == {(one["group"], one["kind"]) for one in project["namespaceResourceWhitelist"]}
    assert {one["metadata"].get("namespace", "pr-sentinel") for one in rendered} == {"pr-sentinel"}
    assert {one["namespace"] for one in project["destinations"]} == {"pr-sentinel"}


def group(document: Document) -> tuple[str, str]:
    return document["apiVersion"].rpartition("/")[0], document["kind"]


def test_limits_come_before_pods_and_the_rollout_last(built: dict[str, list[Document]]) -> None:
    """Admission, networks and quotas; then accounts and settings; then what runs; then what may wait for a person."""
    waves: dict[str, set[int]] = {}
    for one in built["production"]:
        waves.setdefault(one["kind"], set()).add(wave_of(one))
    first = ("Namespace", "NetworkPolicy", "ResourceQuota", "LimitRange", "ValidatingAdmissionPolicy")
    assert {wave for kind in first for wave in waves[kind]} == {-2}
    assert {wave for kind in ("ServiceAccount", "Role", "RoleBinding", "ConfigMap") for wave in waves[kind]} == {-1}
    assert {wave for kind in ("CronWorkflow", "WorkflowTemplate", "AnalysisTemplate") for wave in waves[kind]} == {0}
    assert waves["Rollout"] == {1}


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_nothing_that_points_at_the_rollout_comes_before_it(environment: str, built: dict[str, list[Document]]) -> None:
    """Its health would depend on what is not there, and end the first sync. Nothing waits for the Rollout either."""
    (rollout,) = (one for one in built[environment] if one["kind"] == "Rollout")
    pointing = [one for one in built[environment] if is_pointing(one, rollout)]
    assert {one["kind"] for one in pointing} >= {"HorizontalPodAutoscaler", "PodDisruptionBudget"}
    assert {key(one): wave_of(one) for one in pointing if wave_of(one) < wave_of(rollout)} == {}
    assert max(map(wave_of, built[environment])) == wave_of(rollout)


def wave_of(document: Document) -> int:
    return int(document["metadata"].get("annotations", {}).get(WAVE, 0))


def is_pointing(document: Document, rollout: Document) -> bool:
    """Return whether a resource names the Rollout, or is about its pods; those that it names itself come before it."""
    if document["kind"] in {"Service", "NetworkPolicy"}:
        return False
    chosen = document.get("spec", {}).get("selector", {})
    is_about = bool(chosen) and document is not rollout and chosen == rollout["spec"]["selector"]
    return is_about or any(
        found.get("kind") == "Rollout" and found.get("name") == rollout["metadata"]["name"]
        for found in walk(document.get("spec", {}))
    )


def walk(found: Any) -> Iterator[Document]:
    """Yield every object in a value."""
    if isinstance(found, dict):
        yield found
    for one in found.values() if isinstance(found, dict) else found if isinstance(found, list) else ():
        yield from walk(one)


def test_an_image_without_a_digest_is_shown_as_such(built: dict[str, list[Document]]) -> None:
    """An unreleased image keeps a name without a host and a digest, which no cluster admits."""
    release = images.read((ROOT / COMPONENT).read_text(), (ROOT / MODEL).read_text())
    text = yaml.safe_dump_all(built["staging"])
    for name in release.missing():
        assert f" {name}\n" in text


def test_the_build_needs_nothing_but_kubectl() -> None:
    """As Argo CD builds it: no plugin, no file from outside."""
    done = subprocess.run(["kubectl", "kustomize", CLUSTERS / "production"], capture_output=True, text=True, check=True)
    assert done.stderr == ""
