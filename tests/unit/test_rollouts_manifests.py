"""The Rollout switches only what it should and waits long enough, and its analyses ask what they say."""

from typing import Any

import pytest

from rollouts.checks import __main__ as checks
from rollouts.checks.verdict import Outcome
from steps.common.errors import PERMANENT_EXIT_CODES, Unavailable
from steps.serve import metrics
from steps.serve.bento_worker import GRACE_SECONDS
from steps.serve.metrics import SECONDS
from tests.support import manifests

Document = manifests.Document
(ROLLOUT,) = manifests.of_kind("Rollout")
SPEC = ROLLOUT["spec"]
BLUE_GREEN = SPEC["strategy"]["blueGreen"]
POD = SPEC["template"]["spec"]
SERVICES = {service["metadata"]["name"]: service["spec"] for service in manifests.of_kind("Service")}
PRE, POST = (
    {metric["name"]: metric for metric in template["spec"]["metrics"]}
    for name in ("pre-promotion", "post-promotion")
    for template in manifests.of_kind("AnalysisTemplate")
    if template["metadata"]["name"] == name
)
FIGURES = [name for name, metric in POST.items() if "prometheus" in metric["provider"]]
JOBS = {name: metric for name, metric in [*PRE.items(), *POST.items()] if "job" in metric["provider"]}
HASH = "rollouts_pod_template_hash"
CLUSTER_ERRORS = 2
"""So often in a row may the cluster fail to create or find a check's Job; what a check finds is never an error."""


def seconds(text: str) -> int:
    """Of a duration as Argo Rollouts writes it; ours are in seconds."""
    return int(text.removesuffix("s"))


def longest(metric: Document) -> int:
    """Seconds that a metric may take, if it comes to no end before."""
    if "job" in metric["provider"]:
        return seconds(metric.get("initialDelay", "0s")) + int(
            metric["provider"]["job"]["spec"]["activeDeadlineSeconds"]
        )
    return seconds(metric["initialDelay"]) + seconds(metric["interval"]) * int(metric["count"])


def test_nothing_is_promoted_without_an_analysis_and_a_person() -> None:
    """Both analyses are there, and neither is a dry run."""
    assert BLUE_GREEN["autoPromotionEnabled"] is False
    assert "autoPromotionSeconds" not in BLUE_GREEN
    for analysis, metrics_of in (("prePromotionAnalysis", PRE), ("postPromotionAnalysis", POST)):
        assert BLUE_GREEN[analysis].keys() == {"templates", "args"}
        assert metrics_of
    assert set(PRE) == {"identity", "golden", "behaviour", "speed"}
    assert set(POST) == {"answers", "latency", "flagged", "readiness", "replay"}
    for template in manifests.of_kind("AnalysisTemplate"):
        assert template["spec"].keys() == {"args", "metrics"}


def test_what_is_under_way_is_not_given_up_for_standing_still() -> None:
    """Both analyses have time to end; what goes on for longer is given up."""
    assert max(map(longest, [*PRE.values(), *POST.values()])) < SPEC["progressDeadlineSeconds"]
    assert SPEC["progressDeadlineAbort"] is True


def test_no_pods_wait_for_a_revision_to_come_back() -> None:
    """Argo Rollouts would let such a revision answer users without an analysis, and count no deadline meanwhile."""
    assert BLUE_GREEN["scaleDownDelayRevisionLimit"] == 0
    assert BLUE_GREEN["abortScaleDownDelaySeconds"] == 0


def test_a_pod_that_goes_answers_what_it_has_taken() -> None:
    """The pause before the signal, then what the service takes for its requests, then some time to spare."""
    pause = POD["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pause + GRACE_SECONDS + 10 <= POD["terminationGracePeriodSeconds"]


def test_each_service_has_this_rollouts_pods_and_no_others() -> None:
    """By the label that the Rollout selects by; Argo Rollouts adds the revision's hash, so Git must not hold one."""
    assert set(SERVICES) == {BLUE_GREEN["activeService"], BLUE_GREEN["previewService"]}
    selector = SPEC["selector"]["matchLabels"]
    for service in SERVICES.values():
        assert service["selector"] == selector
    others = [pod for pod in manifests.pods() if pod["metadata"]["name"] != "serve"]
    assert selector.items() <= SPEC["template"]["metadata"]["labels"].items()
    assert not [pod for pod in others if selector.items() <= pod["metadata"]["labels"].items()]


def test_the_autoscaler_and_git_do_not_both_decide_how_many_there_are() -> None:
    """And there are always enough for one to go."""
    (autoscaler,), (budget,) = manifests.of_kind("HorizontalPodAutoscaler"), manifests.of_kind("PodDisruptionBudget")
    assert "replicas" not in SPEC
    assert autoscaler["spec"]["scaleTargetRef"] == {
        "apiVersion": ROLLOUT["apiVersion"], "kind": "Rollout", "name": ROLLOUT["metadata"]["name"]
    }  # fmt: skip
    assert autoscaler["spec"]["minReplicas"] > budget["spec"]["maxUnavailable"]
    assert budget["spec"]["selector"] == SPEC["selector"]


def test_an_unreleased_revision_names_no_model() -> None:
    """What a release has to write is there, and says so until it is written."""
    named = SPEC["template"]["metadata"]["annotations"]
    assert {key: value for key, value in named.items() if key.startswith("pr-sentinel/")} == {
        "pr-sentinel/model-digest": "unreleased",
        "pr-sentinel/model-version": "unreleased",
    }


def reached(path: str) -> Any:
    """What stands at a place in the Rollout, found as Argo Rollouts does."""
    found: Any = ROLLOUT
    for part in path.replace("[", ".").replace("]", "").split("."):
        found = found[int(part)] if isinstance(found, list) else found[part]
    return found


def test_the_analysis_is_told_of_the_revision_by_git() -> None:
    """Its arguments are places in the Rollout that hold what they are called."""
    expected = {"image": "pr-sentinel/serve", "model-digest": "unreleased", "model-version": "unreleased"}
    for analysis, names in (("prePromotionAnalysis", expected), ("postPromotionAnalysis", ["model-digest"])):
        args = {arg["name"]: arg["valueFrom"] for arg in BLUE_GREEN[analysis]["args"]}
        assert args.pop("pod-hash") == {"podTemplateHashValue": "Latest"}
        found = {name: reached(value["fieldRef"]["fieldPath"]) for name, value in args.items()}
        assert found == {name: expected[name] for name in names}


@pytest.mark.parametrize("check", PRE)
def test_each_job_runs_the_check_that_it_is_named_for(check: str) -> None:
    """On the preview, once, and with arguments that the command takes."""
    metric = PRE[check]
    (container,) = metric["provider"]["job"]["spec"]["template"]["spec"]["containers"]
    given = checks.parse_arguments(container["args"])
    assert (given.check, given.address) == (check, "http://model-serving-preview")
    assert vars(given).get("against", "http://model-serving-active") == "http://model-serving-active"
    assert given.digest == "{{args.model-digest}}"
    assert container["command"] == ["python", "-m", "rollouts.checks"]
    assert (metric["count"], metric["failureLimit"], metric["consecutiveErrorLimit"]) == (1, 0, CLUSTER_ERRORS)


def test_identity_is_told_all_that_makes_a_revision() -> None:
    """Model, version, pods and image."""
    (container,) = PRE["identity"]["provider"]["job"]["spec"]["template"]["spec"]["containers"]
    given = checks.parse_arguments(container["args"])
    told = (given.version, given.service, given.pod_hash, given.image)
    assert told == ("{{args.model-version}}", "model-serving-preview", "{{args.pod-hash}}", "{{args.image}}")


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_both_environments_require_signed_models_of_the_service_and_of_identity(environment: str) -> None:
    """Without a public key neither the service nor the check accepts any."""
    found = manifests.documents(manifests.ROOT / "gitops" / "clusters" / environment)
    (settings,) = (one for one in found if one["metadata"]["name"] == "pr-sentinel-settings")
    assert settings["data"]["MODEL_SIGNATURE"] == "required"
    assert "MODEL_PUBLIC_KEY" in settings["data"]
    (identity,) = PRE["identity"]["provider"]["job"]["spec"]["template"]["spec"]["containers"]
    for name in ("MODEL_SIGNATURE", "MODEL_PUBLIC_KEY"):
        (variable,) = (one for one in identity["env"] if one["name"] == name)
        source = {"name": "pr-sentinel-settings", "key": name, "optional": True}
        assert variable["valueFrom"] == {"configMapKeyRef": source}
    (service,) = POD["containers"]
    assert {"configMapRef": {"name": "pr-sentinel-settings", "optional": True}} in service["envFrom"]


def test_the_replay_goes_to_the_promoted_revision_until_all_figures_are_measured() -> None:
    """From the first of them to the last, by itself often enough for a verdict, and for the model that Git names."""
    metric = POST["replay"]
    (container,) = metric["provider"]["job"]["spec"]["template"]["spec"]["containers"]
    given = checks.parse_arguments(container["args"])
    assert (given.check, given.address, given.pulls) == ("replay", "http://{{args.service}}", "mongo")
    assert given.digest == "{{args.model-digest}}"
    (template,) = (one for one in manifests.of_kind("AnalysisTemplate") if one["metadata"]["name"] == "post-promotion")
    (service,) = (arg["value"] for arg in template["spec"]["args"] if arg["name"] == "service")
    assert service == BLUE_GREEN["activeService"]
    last = max(
        seconds(POST[name]["initialDelay"]) + seconds(POST[name]["interval"]) * (POST[name]["count"] - 1)
        for name in FIGURES
    )
    assert given.seconds >= last
    assert given.rate * 60 > 100
    assert "initialDelay" not in metric
    assert metric["provider"]["job"]["spec"]["activeDeadlineSeconds"] > 2 * given.seconds
    assert (metric["count"], metric["failureLimit"], metric["consecutiveErrorLimit"]) == (1, 0, CLUSTER_ERRORS)


@pytest.mark.parametrize("check", JOBS)
def test_what_is_inconclusive_is_tried_again_and_then_a_failure(check: str) -> None:
    """While what failed, and what no other try can mend, is not tried again."""
    spec = JOBS[check]["provider"]["job"]["spec"]
    (codes,) = (rule["onExitCodes"] for rule in spec["podFailurePolicy"]["rules"] if "onExitCodes" in rule)
    assert set(codes["values"]) == {Outcome.FAILED.value, *PERMANENT_EXIT_CODES}
    assert not {Outcome.INCONCLUSIVE.value, Unavailable.exit_code} & set(codes["values"])
    assert spec["template"]["spec"]["restartPolicy"] == "Never"
    assert spec["backoffLimit"] > 0


@pytest.mark.parametrize("name", FIGURES)
def test_live_figures_are_those_of_this_revisions_pods(name: str) -> None:
    """Each series in a query is one that the service has, chosen by the pods' hash."""
    query = POST[name]["provider"]["prometheus"]["query"]
    series = [
        part.rpartition("(")[2].strip() for part in query.split("{") if part.rpartition("(")[2].strip().isidentifier()
    ]
    known = {
        f"{family.name}{end}" for family in metrics.REGISTRY.collect() for end in ("", "_total", "_bucket", "_count")
    }
    assert series
    assert set(series) <= {*known, "up"}
    assert query.count(f'{HASH}="{{{{args.pod-hash}}}}"') == len(series)


def test_the_latency_limit_is_a_bound_of_the_histogram() -> None:
    """Else a quantile is a guess between two bounds."""
    assert float(POST["latency"]["successCondition"].rpartition(" ")[2]) in SECONDS


@pytest.mark.parametrize("name", FIGURES)
def test_prometheus_away_ends_the_analysis_before_its_end(name: str) -> None:
    """As do too many answers that say neither yes nor no; a run of either never lasts until the end."""
    metric = POST[name]
    assert metric["consecutiveErrorLimit"] < metric["count"]
    assert metric["inconclusiveLimit"] < metric["count"]
    assert metric["failureLimit"] < metric["count"]
