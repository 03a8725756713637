"""The alerts of the service, the model and the release on a cluster: each fires by its cause, and ends by its remedy.

The service, MongoDB, the Rollout and its controller are real, and GitHub is the fake one. Only time runs faster: that
of the alerts (`watching`), and the hour after which the service reads votes. The tests are one story, in its order.
"""

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import yaml

from samples import raw
from tests.cluster import kube
from tests.cluster.rollouts import shop
from tests.cluster.rollouts.revisions import (
    FAULTY,
    HERE,
    SPACE,
    Release,
    active_hash,
    documents,
    filled,
    put,
    release,
    rollout,
    run_plugin,
    wait_for,
)
from tests.cluster.runbooks import look_at
from tests.cluster.watching import Alerts
from tests.support.command_line import cli

DAY = range(2_000, 2_240)
"""Numbers of pull requests: as many as a share can be seen from."""
COPY = 'test -d /tmp/model || cp -r "$MODEL_DIR" /tmp/model; export MODEL_DIR=/tmp/model; exec "$@"'
"""A model that can be damaged: a container that restarts finds it again."""
WATCHED = (
    f"WEBHOOK_SECRET={shop.SECRET}",
    "WEBHOOK_MODE=comment",
    "GITHUB_TOKEN=a-token",
    "GITHUB_API_URL=http://github:8080",
    *("sh", "-c", COPY, "sh"),
)
QUEUE, AT_ONCE = 20_000, 200
"""Results that the service keeps while MongoDB is away, and pull requests of a request."""


@pytest.fixture(scope="module")
def watched(space: str, images: list[dict[str, str]], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The service with a GitHub beside it."""
    folder = tmp_path_factory.mktemp("github")
    shutil.copy(HERE.parent / "backing" / "github.yaml", folder)
    policy = {"$patch": "delete", "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}
    overlay = {
        "namespace": SPACE,
        "resources": ["github.yaml"],
        "images": [images[0] | {"name": "pr-sentinel/backing"}],
        "patches": [{"patch": yaml.safe_dump(policy | {"metadata": {"name": "github"}})}],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    kube.kubectl("apply", "--server-side", "--kustomize", str(folder), namespace=SPACE)
    kube.rolled_out(SPACE)
    if kube.get("namespace", "--field-selector", f"metadata.name={kube.PIPELINE}")["items"]:
        kube.kubectl("delete", "rollout", "--all")  # nothing was released there, which is a stopped release too
    return space


@pytest.fixture(scope="module")
def serving(alerts: Alerts, digests: dict[str, str]) -> Release:
    """The revision that gets deliveries, in its users' hands at once: releases have tests of their own."""
    chosen = Release("fresh", digests["fresh"], version="7", app=FAULTY, settings=WATCHED)
    promote_at_once(chosen)
    return chosen


def promote_at_once(given: Release) -> None:
    """Put a revision in and give it to the users without an analysis."""
    before = active_hash()
    put(given)
    kube.wait(lambda: rollout()["status"]["currentPodHash"] != before, "the new revision")
    run_plugin("promote", "--full")
    wait_for("Healthy")
    kube.wait(lambda: active_hash() == rollout()["status"]["currentPodHash"], "the promoted revision")


def in_each_pod(*command: str) -> None:
    """Run a command in each pod that users reach."""
    selector = f"rollouts-pod-template-hash={active_hash()}"
    for pod in kube.get("pods", "--selector", selector, namespace=SPACE)["items"]:
        kube.kubectl("exec", pod["metadata"]["name"], "--", *command, namespace=SPACE)


def scale(deployment: str, replicas: int) -> None:
    """Scale what is beside the service, and wait for it."""
    kube.kubectl("scale", f"deployment/{deployment}", f"--replicas={replicas}", namespace=SPACE)
    selector = ("pods", "--selector", f"app.kubernetes.io/name={deployment}")
    kube.wait(lambda: len(kube.get(*selector, namespace=SPACE)["items"]) == replicas, f"{replicas} of {deployment}")
    kube.rolled_out(SPACE)


def test_model_stale_ends_with_a_model_of_newer_data(alerts: Alerts, digests: dict[str, str]) -> None:
    """The first one has learned from nothing newer than the samples."""
    alerts.wait_until_firing("PRSentinelModelStale")
    promote_at_once(Release("fresh", digests["fresh"], version="7"))
    alerts.wait_until_silent("PRSentinelModelStale")


@pytest.mark.usefixtures("serving")
def test_signature_refused_fires_at_five_deliveries_of_another_secret(alerts: Alerts) -> None:
    """All of them at once; those with the right secret are accepted meanwhile."""
    assert alerts.is_silent("PRSentinelSignatureRefused")
    assert shop.deliver_pulls(range(1, 6), secret=shop.SECRET[::-1]) == {401}
    alerts.wait_until_firing("PRSentinelSignatureRefused")
    assert shop.deliver_pulls(range(1, 6)) == {202}
    alerts.wait_until_silent("PRSentinelSignatureRefused")


@pytest.mark.usefixtures("serving")
def test_deliveries_waiting_fires_while_github_is_away_and_ends_by_itself(alerts: Alerts) -> None:
    """The problem is where the runbook looks for it."""
    assert alerts.is_silent("PRSentinelDeliveriesWaiting")
    scale("github", 0)
    assert shop.deliver_pulls([10]) == {202}
    alerts.wait_until_firing("PRSentinelDeliveriesWaiting")
    with documents() as database:
        oldest = database.deliveries.find_one({"state": "waiting"}, sort=[("received_at", 1)])
    assert oldest
    assert "the response was cut off or never came" in oldest["problem"]
    scale("github", 1)
    alerts.wait_until_silent("PRSentinelDeliveriesWaiting")


def test_flags_over_budget_fires_at_a_model_that_flags_all(
    alerts: Alerts, serving: Release, digests: dict[str, str]
) -> None:
    """And ends a day after the version before is back; of a good model as many deliveries are silent."""
    assert shop.deliver_pulls(DAY) == {202}
    counted = 'sum(increase(pr_sentinel_scored_total{route="/webhook"}[2m]))'
    kube.wait(lambda: alerts.query(f"{counted} >= 200"), "a day's scores")
    assert alerts.is_silent("PRSentinelFlagsOverBudget")
    promote_at_once(serving._replace(model="everything", digest=digests["everything"], version="4"))
    assert shop.deliver_pulls(DAY) == {202}
    alerts.wait_until_firing("PRSentinelFlagsOverBudget")
    promote_at_once(serving)
    alerts.wait_until_silent("PRSentinelFlagsOverBudget")


@pytest.mark.usefixtures("serving")
def test_alerts_useless_fires_when_most_votes_say_so(alerts: Alerts) -> None:
    """And ends when those on later alerts say otherwise."""
    comments = [one["id"] for one in shop.list_comments()]
    assert len(comments) == 5, "the usual limit of a week"
    assert alerts.is_silent("PRSentinelAlertsUseless")
    shop.vote(comments, "-1", ("ada", "ben", "cleo"))
    alerts.wait_until_firing("PRSentinelAlertsUseless")
    shop.vote(comments, "+1", ("dan", "eve", "fay", "gus", "hal"))
    alerts.wait_until_silent("PRSentinelAlertsUseless")


def test_the_command_in_a_comment_finds_what_it_comes_from(serving: Release, tmp_path: Path) -> None:
    """In the cluster's MongoDB; that the version is in no registry here is said, and is no failure."""
    (command, *_) = re.findall(r"`(\./pr-sentinel trace [^`]+)`", shop.list_comments()[-1]["body"])
    _, *arguments = shlex.split(command)
    with kube.forwarded("mongodb", 27017, SPACE) as address:
        mongo = f"mongodb://{address}/?directConnection=true"
        done = cli(*arguments, "--json", "--state", str(tmp_path), MONGO_URI=mongo)
    assert done.returncode == 0, done.stderr
    parts = {part["name"]: part for part in json.loads(done.stdout)["parts"]}
    assert parts["delivery"]["facts"]["outcome"] == "announced"
    assert parts["alert"]["facts"]["mode"] == "comment"
    assert parts["prediction"]["facts"]["route"] == "/webhook"
    assert "version" in parts["model"]["missing"]


@pytest.mark.usefixtures("serving")
def test_error_budget_burn_fires_while_requests_fail(alerts: Alerts) -> None:
    """Those of somebody who asks all the time."""
    assert alerts.is_silent("PRSentinelErrorBudgetBurn")
    in_each_pod("touch", "/tmp/broken")  # noqa: S108
    alerts.wait_until_firing("PRSentinelErrorBudgetBurn")
    in_each_pod("rm", "/tmp/broken")  # noqa: S108
    alerts.wait_until_silent("PRSentinelErrorBudgetBurn")


@pytest.fixture
def crowd(serving: Release) -> Iterator[None]:
    """As many callers as make enough slow requests."""
    scale("caller", 12)
    yield
    scale("caller", 1)


@pytest.mark.usefixtures("crowd")
def test_slow_fires_while_scores_take_half_a_second(alerts: Alerts) -> None:
    """More than the 250 ms of a release's analysis."""
    in_each_pod("touch", "/tmp/slow")  # noqa: S108
    alerts.wait_until_firing("PRSentinelSlow")
    in_each_pod("rm", "/tmp/slow")  # noqa: S108
    scale("caller", 1)
    alerts.wait_until_silent("PRSentinelSlow")


@pytest.mark.usefixtures("serving")
def test_predictions_dropped_fires_when_mongodb_is_away_for_too_long(alerts: Alerts) -> None:
    """And ends when it is back; what waited is written."""
    assert alerts.is_silent("PRSentinelPredictionsDropped")
    pulls = raw.build_newest(AT_ONCE)
    scale("mongodb", 0)
    with kube.forwarded("model-serving-active", 80, SPACE) as address:
        for _ in range(QUEUE // AT_ONCE + 1):
            requests.post(f"http://{address}/score", json={"pull_requests": pulls}, timeout=60).raise_for_status()
    alerts.wait_until_firing("PRSentinelPredictionsDropped")
    scale("mongodb", 1)
    filled()
    kube.wait(lambda: alerts.query("sum(pr_sentinel_predictions_waiting) < 500"), "what waited to be written")
    alerts.wait_until_silent("PRSentinelPredictionsDropped")


def test_service_down_fires_when_no_pod_has_a_valid_model(
    alerts: Alerts, serving: Release, digests: dict[str, str]
) -> None:
    """Their containers have restarted over a damaged file; another revision has a sound one."""
    assert alerts.is_silent("PRSentinelServiceDown")
    in_each_pod("sh", "-c", "echo >> /tmp/model/thresholds.json")
    in_each_pod("sh", "-c", "kill 1")
    alerts.wait_until_firing("PRSentinelServiceDown")
    assert "thresholds.json" in look_at("PRSentinelServiceDown", SPACE)
    promote_at_once(serving._replace(model="good", digest=digests["good"], version="4"))
    alerts.wait_until_silent("PRSentinelServiceDown")


@pytest.mark.usefixtures("serving")
def test_release_stopped_fires_at_a_bad_candidate_and_ends_when_it_is_reverted(
    alerts: Alerts, digests: dict[str, str]
) -> None:
    """Users never had it."""
    before = rollout()["spec"]["template"]
    assert alerts.is_silent("PRSentinelReleaseStopped")
    assert release(Release("nothing", digests["nothing"]))["status"]["phase"] == "Degraded"
    alerts.wait_until_firing("PRSentinelReleaseStopped")
    assert "model-serving" in look_at("PRSentinelReleaseStopped", SPACE)
    change = [{"op": "replace", "path": "/spec/template", "value": before}]
    kube.kubectl("patch", "rollout", "model-serving", "--type=json", f"--patch={json.dumps(change)}", namespace=SPACE)
    wait_for("Healthy")
    alerts.wait_until_silent("PRSentinelReleaseStopped")
