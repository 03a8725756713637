"""The variant for an A/B comparison keeps the pod and the analyses, and splits requests between two revisions.

An analysis compares them: it advises, and with the component `act` it decides.
"""

import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import yaml

from rollouts.checks import __main__ as checks
from rollouts.checks.cluster import COMPARISON
from rollouts.checks.compare import WORDS
from rollouts.checks.verdict import Outcome
from tests.support import kubectl, manifests
from tests.support.network import Place, allowed
from tests.support.schemas import faults
from tests.unit.test_manifests_pods import complaints
from tests.unit.test_rollouts_manifests import FIGURES, POST, longest, seconds

Document = manifests.Document
SPLIT = manifests.ROOT / "rollouts" / "split"
(ROLLOUT,) = manifests.of_kind("Rollout")


def read(name: str) -> Any:
    """A file of the component."""
    return yaml.safe_load((SPLIT / name).read_text("utf-8"))


ADVISE, ACT = ("split",), ("split", "split/act")
RELEASED = {"name": "pr-sentinel/checks", "newName": "registry.example/checks", "digest": f"sha256:{64 * '1'}"}
TEMPLATE = read("comparison.yaml")
(METRIC,) = TEMPLATE["spec"]["metrics"]
SERVER = {one["kind"]: one for one in yaml.safe_load_all((SPLIT / "comparison-server.yaml").read_text("utf-8"))}
POD = SERVER["Deployment"]["spec"]["template"]


Built = Callable[[tuple[str, ...]], list[Document]]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """What kubectl makes of staging with these components after its others, and an image of the checks."""

    @cache
    def built(components: tuple[str, ...]) -> list[Document]:
        folder = tmp_path_factory.mktemp("staging")
        for name in ("gitops", "rollouts"):
            shutil.copytree(manifests.ROOT / name, folder / name)
        images = folder / "gitops" / "base" / "images" / "kustomization.yaml"
        images.write_text(yaml.safe_dump(yaml.safe_load(images.read_text("utf-8")) | {"images": [RELEASED]}))
        staging = folder / "gitops" / "clusters" / "staging" / "kustomization.yaml"
        overlay = yaml.safe_load(staging.read_text("utf-8"))
        overlay["components"] += [f"../../../rollouts/{name}" for name in components]
        staging.write_text(yaml.safe_dump(overlay))
        done = subprocess.run(["kubectl", "kustomize", staging.parent], capture_output=True, text=True, check=True)
        return list(yaml.safe_load_all(done.stdout))

    return built


def canary_of(built: list[Document]) -> dict[str, Any]:
    """The strategy of the Rollout, which has no other."""
    (rollout,) = (one for one in built if one["kind"] == "Rollout")
    (canary,) = rollout["spec"]["strategy"].values()
    assert rollout["spec"]["strategy"].keys() == {"canary"}
    return dict(canary)


@kubectl.needed
@pytest.mark.parametrize("components", [ADVISE, ACT])
def test_a_cluster_s_overlay_may_name_it_last(components: tuple[str, ...], build: Built) -> None:
    """All that comes of it is valid, and the server runs the image that is released for the checks."""
    built = build(components)
    assert {one["metadata"]["name"]: found for one in built if (found := faults(one))} == {}
    (server,) = (one for one in built if one["kind"] == "Deployment")
    (container,) = server["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"{RELEASED['newName']}@{RELEASED['digest']}"
    named = {one["metadata"]["name"] for one in built}
    assert {TEMPLATE["metadata"]["name"], SERVER["Service"]["metadata"]["name"], "model-serving"} <= named


@kubectl.needed
@pytest.mark.parametrize("components", [ADVISE, ACT])
def test_it_asks_the_same_of_a_revision(components: tuple[str, ...], build: Built) -> None:
    """With the same arguments, before anybody decides, and none of it is a dry run."""
    canary = canary_of(build(components))
    usual = ROLLOUT["spec"]["strategy"]["blueGreen"]
    weight, analysis, _ = canary["steps"]
    assert weight == {"setWeight": 50}
    assert analysis["analysis"] == usual["prePromotionAnalysis"]
    first, *others = canary["analysis"]["templates"]
    assert [first] == usual["postPromotionAnalysis"]["templates"]
    assert canary["analysis"].get("dryRun", []) == [{"metricName": COMPARISON}] * len(others)
    # Users reach both revisions, so pull requests are replayed to the new one by its own Service.
    *args, service = canary["analysis"]["args"]
    assert args == usual["postPromotionAnalysis"]["args"]
    assert service == {"name": "service", "value": canary["canaryService"]}


@kubectl.needed
def test_a_comparison_that_advises_decides_nothing(build: Built) -> None:
    """It is a dry run beside the live metrics, and only a person ends the last step."""
    canary = canary_of(build(ADVISE))
    assert canary["analysis"]["templates"][1:] == [{"templateName": TEMPLATE["metadata"]["name"]}]
    assert canary["analysis"]["dryRun"] == [{"metricName": METRIC["name"]}]
    assert canary["steps"][-1] == {"pause": {}}
    assert [*filter(lambda step: "analysis" in step, canary["steps"])] == canary["steps"][1:2]


@kubectl.needed
def test_a_comparison_that_acts_is_the_last_step_and_no_dry_run(build: Built) -> None:
    """It is told of the revision by Git, as the other analyses are."""
    canary = canary_of(build(ACT))
    assert "dryRun" not in canary["analysis"]
    step = canary["steps"][-1]
    usual = ROLLOUT["spec"]["strategy"]["blueGreen"]["postPromotionAnalysis"]["args"]
    assert step == {"analysis": {"templates": [{"templateName": TEMPLATE["metadata"]["name"]}], "args": usual}}
    assert len(canary["steps"]) == len(canary_of(build(ADVISE))["steps"])
    assert "dryRun" not in TEMPLATE["spec"]


@kubectl.needed
@pytest.mark.parametrize("components", [(), ADVISE, ACT], ids=["usual", "advise", "act"])
def test_what_a_release_waits_for_ends_by_itself(build: Built, components: tuple[str, ...]) -> None:
    """Else Argo Rollouts refuses the Rollout; an analysis in the background may go on for ever."""
    documents = build(components)
    templates = {one["metadata"]["name"]: one["spec"] for one in documents if one["kind"] == "AnalysisTemplate"}
    (rollout,) = (one for one in documents if one["kind"] == "Rollout")
    ((name, strategy),) = rollout["spec"]["strategy"].items()
    if name == "canary":
        awaited = [step["analysis"] for step in strategy["steps"] if "analysis" in step]
    else:
        awaited = [strategy["prePromotionAnalysis"], strategy["postPromotionAnalysis"]]
    metrics = [
        metric for one in awaited for used in one["templates"] for metric in templates[used["templateName"]]["metrics"]
    ]
    assert len(metrics) >= len(awaited) > 0
    assert [metric["name"] for metric in metrics if "interval" in metric and "count" not in metric] == []


@kubectl.needed
def test_nothing_is_decided_before_the_live_metrics_have_been_measured(build: Built) -> None:
    """They begin at the same step, and would end with it."""
    canary = canary_of(build(ACT))
    assert canary["analysis"]["startingStep"] == len(canary["steps"]) - 1
    assert seconds(METRIC["initialDelay"]) > max(longest(POST[name]) for name in FIGURES)


def test_the_first_answer_decides_and_none_in_a_week_leaves_it_to_a_person() -> None:
    """One success passes, one failure fails; only what is neither may repeat, and ends inconclusive."""
    assert faults(TEMPLATE) == []
    assert (METRIC["name"], METRIC["consecutiveSuccessLimit"], METRIC["failureLimit"]) == (COMPARISON, 1, 0)
    assert METRIC["count"] * seconds(METRIC["interval"]) == 7 * 24 * 3_600
    assert METRIC["inconclusiveLimit"] == METRIC["count"] - 1
    assert METRIC["successCondition"] == f'result.verdict == "{WORDS[Outcome.PASSED]}"'
    assert METRIC["failureCondition"] == f'result.verdict == "{WORDS[Outcome.FAILED]}"'


def test_the_analysis_asks_the_server_about_its_own_revision() -> None:
    """By the hash of its pods and its model, and for the whole answer."""
    service, (port,) = SERVER["Service"], SERVER["Service"]["spec"]["ports"]
    default = {arg["name"]: arg.get("value") for arg in TEMPLATE["spec"]["args"]}
    metadata = service["metadata"]
    assert default == {
        "pod-hash": None,
        "model-digest": None,
        "comparison": f"http://{metadata['name']}.{metadata['namespace']}.svc",
    }
    assert METRIC["provider"]["web"] == {
        "url": "{{args.comparison}}/?pod-hash={{args.pod-hash}}&digest={{args.model-digest}}",
        "timeoutSeconds": 60,
    }
    assert port == {"name": "http", "port": 80, "targetPort": "http"}
    assert service["spec"]["selector"].items() <= POD["metadata"]["labels"].items()


def test_the_server_compares_the_old_revision_with_the_new_one() -> None:
    """And not the other way round; it listens where its Service leads."""
    (container,) = POD["spec"]["containers"]
    given = checks.parse_arguments(container["args"])
    assert given.check == "serve-comparison"
    (strategy,) = read("strategy.yaml")
    canary = strategy["value"]["canary"]
    assert given.old == f"http://{canary['stableService']}"
    assert given.new == f"http://{canary['canaryService']}"
    assert given.prometheus == "http://prometheus.monitoring.svc:9090"
    assert container["ports"] == [{"name": "http", "containerPort": given.port}]


def test_the_server_is_restricted_and_may_only_look() -> None:
    """It runs as the checks do, with the right to list analyses besides."""
    spec = {"metadata": POD["metadata"], "spec": POD["spec"]}
    assert complaints(spec) == set()
    assert POD["spec"]["serviceAccountName"] == "pr-sentinel-checks"
    assert SERVER["Role"]["rules"] == [{"apiGroups": ["argoproj.io"], "resources": ["analysisruns"], "verbs": ["list"]}]
    (subject,) = SERVER["RoleBinding"]["subjects"]
    assert (subject["kind"], subject["name"]) == ("ServiceAccount", POD["spec"]["serviceAccountName"])
    assert SERVER["RoleBinding"]["roleRef"]["name"] == SERVER["Role"]["metadata"]["name"]
    assert [faults(one) for one in SERVER.values()] == [[]] * len(SERVER)


def test_argo_rollouts_alone_reaches_the_server_and_it_reaches_what_it_compares() -> None:
    """Besides what all checks may reach."""
    policies = [*manifests.of_kind("NetworkPolicy"), SERVER["NetworkPolicy"]]
    server = Place("pr-sentinel", POD["metadata"]["labels"])
    argo = Place("argo-rollouts", {"app.kubernetes.io/name": "argo-rollouts"})
    prometheus = Place("monitoring", {"app.kubernetes.io/name": "prometheus"})
    service = Place("pr-sentinel", {"app.kubernetes.io/component": "serve"})
    check = Place("pr-sentinel", {"app.kubernetes.io/component": "checks"})
    assert allowed(policies, argo, server, 8080)
    assert not any(allowed(policies, who, server, 8080) for who in (prometheus, service, check))
    assert allowed(policies, server, prometheus, 9090)
    assert not allowed(policies, check, prometheus, 9090)
    assert allowed(policies, server, service, 3000)
    assert allowed(policies, server, Place("pr-sentinel-backing", {"app.kubernetes.io/name": "mongodb"}), 27017)


def test_users_reach_both_revisions() -> None:
    """By a Service that knows no revision."""
    service = read("service.yaml")
    assert faults(service) == []
    assert service["spec"]["selector"] == ROLLOUT["spec"]["selector"]["matchLabels"]
