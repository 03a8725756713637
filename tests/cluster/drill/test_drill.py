"""A model's whole way, by the clock: from retraining over both environments to its users, and back when it turns bad.

`make drill` prints it. Everything is real except GitHub, where a fake server takes the pull requests; and the new
image has a mistake in it that can be made to show after it was promoted. On the way, a step of the pipeline changes.
"""

import json
from typing import Any

import pytest

from release.cluster import POD_HASH, ROLLOUT, RolloutState, read_state
from tests.cluster import kube
from tests.cluster.argo import submit
from tests.cluster.drill import comment
from tests.cluster.drill.environments import ARGO_CD, BRANCHES, WATCH, opened
from tests.cluster.drill.walk import Drill, Timeline
from tests.cluster.project import REPOSITORIES
from tests.support.github import StandIn
from tests.support.releases import Repository

STEPS = ("fetch", "preprocess", "train", "register")
PRODUCTION = BRANCHES["production"][1]
BROKEN = "/tmp/broken"  # noqa: S108  the pod's own
NEWER = {"example/docs#3": dict.fromkeys(("created_at", "updated_at"), "2026-08-10T09:00:00Z")}
"""A pull request that is the newest of all, so that a model which has seen it is the fresher one."""


def synced(repository: Repository, environment: str, *healths: str) -> None:
    """Wait until Argo CD has an environment at its branch's last commit, and finds it in one of these states."""
    branch, _ = BRANCHES[environment]
    wanted = repository.head(branch)

    def look() -> bool:
        status = kube.get("application", f"pr-sentinel-{environment}", namespace=ARGO_CD).get("status", {})
        sync, health = status.get("sync", {}), status.get("health", {}).get("status")
        return bool(sync.get("status") == "Synced" and sync.get("revision") == wanted and health in healths)

    kube.wait(look, f"{environment} at {branch}, {' or '.join(healths)}")


def rollout(environment: str) -> tuple[Any, RolloutState]:
    """An environment's Rollout, and its revisions."""
    _, namespace = BRANCHES[environment]
    found = kube.get("rollout", ROLLOUT, namespace=namespace)
    return found, read_state(found, kube.get("replicasets", namespace=namespace)["items"])


def reaches(environment: str, version: str, *phases: str) -> RolloutState:
    """Wait until the revision that an environment asks for is of a version, and the Rollout in one of these phases."""

    def look() -> RolloutState | None:
        found, stands = rollout(environment)
        asked = stands.revision(stands.current)
        right = asked and asked.model.version == version and found["status"].get("phase") in phases
        return stands if right else None

    return kube.wait(look, f"version {version} in {environment}, {' or '.join(phases)}")


def active(environment: str) -> str:
    """Return the version that the users of an environment get."""
    _, namespace = BRANCHES[environment]
    service = kube.get("service", "model-serving-active", namespace=namespace)
    revision = rollout(environment)[1].revision(service["spec"]["selector"].get(POD_HASH))
    return revision.model.version if revision else ""


def analyses(environment: str, kind: str) -> dict[str, str]:
    """Return the results of the newest analysis of a kind for the current revision."""
    _, namespace = BRANCHES[environment]
    chosen = f"{POD_HASH}={rollout(environment)[1].current},rollout-type={kind}"
    runs = kube.get("analysisrun", "--selector", chosen, namespace=namespace)["items"]
    newest = max(runs, key=lambda run: str(run["metadata"]["creationTimestamp"]))
    return {one["name"]: one["phase"] for one in newest.get("status", {}).get("metricResults", [])}


def previewed(drill: Drill, timeline: Timeline, environment: str, version: str) -> None:
    """From a changed branch to a preview that has passed its checks, and waits for a person."""
    with timeline.step(f"{environment}: Argo CD, preview and checks") as results:
        assert reaches(environment, version, "Paused", "Degraded").preview, analyses(environment, "PrePromotion")
        found = analyses(environment, "PrePromotion")
        results.append(", ".join(f"{name} {phase}" for name, phase in found.items()))
        assert set(found.values()) == {"Successful"}, found
        synced(drill.repository, environment, "Suspended")


def pushed(drill: Drill, timeline: Timeline) -> None:
    """Staging goes on following its branch while a preview waits, maybe for days: new settings, a new preview."""
    with timeline.step("staging: a push while the preview waits") as results:
        before = rollout("staging")[1].current
        drill.set_staging("DRILL", "a push")
        synced(drill.repository, "staging", "Suspended")
        settings = kube.get("configmap", "pr-sentinel-settings", namespace=BRANCHES["staging"][1])["data"]
        assert settings["DRILL"] == "a push"
        kube.wait(lambda: rollout("staging")[1].current != before, "a revision with the pushed settings")
        results.append("Argo CD has brought it, and it is a preview of its own")


def promoted(timeline: Timeline, environment: str, version: str) -> None:
    """A person promotes it."""
    with timeline.step(f"{environment}: a person promotes") as results:
        kube.run("kubectl", "argo", "rollouts", "--namespace", BRANCHES[environment][1], "promote", ROLLOUT)
        kube.wait(lambda: active(environment) == version, f"users of {environment} on version {version}")
        results.append(f"all users get version {version}")


def watched(timeline: Timeline, environment: str, version: str) -> None:
    """The live figures after a promotion, to their end."""
    with timeline.step(f"{environment}: live figures") as results:
        reaches(environment, version, "Healthy")
        found = analyses(environment, "PostPromotion")
        results.append(", ".join(f"{name} {phase}" for name, phase in found.items()))
        assert set(found.values()) == {"Successful"}, found


def step_changed(drill: Drill, timeline: Timeline, commands: dict[str, str], step: str) -> str:
    """A new image of a step goes the same way, and nothing else changes: no preview, no restart; its reference."""
    with timeline.step(f"{step}: a new image, staging, pull request, production") as results:
        before = {environment: rollout(environment)[1].current for environment in BRANCHES}
        old, new = image_of(step, "production"), drill.step_image(step)
        synced(drill.repository, "staging", "Healthy")
        assert (image_of(step, "staging"), image_of(step, "production")) == (new, old)
        drill.release("promote")
        drill.release("verify", opened(commands, drill.repository.head("staging")))
        drill.repository.merge("staging", "main")
        synced(drill.repository, "production", "Healthy", "Progressing")
        assert image_of(step, "production") == new != old
        assert {environment: rollout(environment)[1].current for environment in BRANCHES} == before
        results.append("the digest that staging had; no revision of the service came of it")
    return new


def image_of(step: str, environment: str) -> str:
    """Return the image with which the next run of an environment's pipeline starts a step."""
    found = kube.get("workflowtemplate", "pr-sentinel", namespace=BRANCHES[environment][1])["spec"]["templates"]
    return next(str(one["script"]["image"]) for one in found if one["name"] == step)


def image_of_service() -> str:
    """Return the image that production's users get."""
    return str(rollout("production")[0]["spec"]["template"]["spec"]["containers"][0]["image"])


def called_back(timeline: Timeline, version: str) -> None:
    """The release turns bad, and users get the earlier version again."""
    with timeline.step("the release turns bad") as results:
        broken()
        kube.wait(lambda: active("production") == version, "the earlier version in production")
        results.append(f"without a person, users get version {version} again")
    assert failures() > 0


def rolled_back(drill: Drill, timeline: Timeline, version: str) -> None:
    """The registry and Git follow the users back to the earlier version."""
    with timeline.step("status") as results:
        results.append(f"{drill.release('status', code=1).count('They disagree: ')} disagreements are named")
    with timeline.step(f"make rollback VERSION={version}") as results:
        results.extend(drill.release("rollback", "--", version).splitlines())
        drill.repository.merge(f"rollback/version-{version}", "main")
        results.extend(drill.release("rollback", "--", version).splitlines())
        synced(drill.repository, "production", "Healthy")
    with timeline.step("status") as results:
        results.extend(line for line in drill.release("status").splitlines() if line.startswith("They"))
    assert active("production") == version


def users() -> dict[str, int]:
    """Count the requests of production's users so far, by the model's digest or the kind of failure."""
    line = kube.kubectl("logs", "deployment/users-of-production", "--tail=1", namespace=WATCH)
    return {what: count for what, (count, _) in json.loads(line).items()}


def failures() -> int:
    """Count the failed requests."""
    return sum(count for what, count in users().items() if what.startswith("failed"))


def retrained(timeline: Timeline, name: str) -> str:
    """A run of the pipeline in production whose model is accepted; its version."""
    with timeline.step(name) as results:
        outputs = submit(*REPOSITORIES).succeeded().outputs("register")
        assert outputs["decision"] == "accepted", outputs
        results.append(f"version {outputs['version']}")
    return outputs["version"]


def released(drill: Drill, digests: dict[str, str]) -> str:
    """From two clusters with nothing in them to a first model in both; its version."""
    timeline = Timeline()
    with timeline.step("the pipeline's images, by digest, in both environments") as results:
        for name, reference in digests.items():
            drill.set_digest(name, reference)
        drill.repository.merge("staging", "main")
        for environment in BRANCHES:
            synced(drill.repository, environment, "Progressing", "Degraded")
        results.append("Argo CD has synchronised both; the service waits for a first model")
    first = retrained(timeline, "the first model")
    with timeline.step("the first release") as results:
        assert drill.image() == first
        reaches("staging", first, "Healthy")
        drill.repository.merge("staging", "main")
        reaches("production", first, "Healthy")
        results.append(f"both have version {first}; there was nothing to compare it with")
    return first


def proposed(drill: Drill, timeline: Timeline, commands: dict[str, str]) -> None:
    """The pull request to main: opened, verified, merged."""
    with timeline.step("pull request") as results:
        results.append(drill.release("promote").strip())
        number = opened(commands, drill.repository.head("staging"))
        results.append(drill.release("verify", number).strip())
        drill.repository.merge("staging", "main")


@pytest.mark.usefixtures("argo_cd")
def test_a_model_s_whole_way_and_back(
    repository: Repository,
    digests: dict[str, str],
    commands: dict[str, str],
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """And at the end all sources say the same again."""
    drill = Drill(repository, commands, str(tmp_path_factory.mktemp("state")))
    first = released(drill, digests)
    request.getfixturevalue("beside")
    drill.release("released")
    assert "They agree." in drill.release("status")

    timeline = Timeline()
    mongo_uri = request.getfixturevalue("secrets")["fetch"]["mongo_uri"]
    commented(timeline, first, commands | {"MONGO_URI": mongo_uri}, str(tmp_path_factory.mktemp("traced")))
    with kube.forwarded("github", 8080) as address:
        github = StandIn(f"http://{address}")
        github.control(change=NEWER)
        second = retrained(timeline, "retrain")
        github.reset()
    with timeline.step("image") as results:
        assert drill.image(broken=True) == second
        results.append("built, pushed, its digest in branch staging")
    previewed(drill, timeline, "staging", second)
    pushed(drill, timeline)
    previewed(drill, timeline, "staging", second)
    promoted(timeline, "staging", second)
    watched(timeline, "staging", second)
    proposed(drill, timeline, commands)
    previewed(drill, timeline, "production", second)
    promoted(timeline, "production", second)
    assert failures() == 0, users()
    fetch = step_changed(drill, timeline, commands, "fetch")
    called_back(timeline, first)
    rolled_back(drill, timeline, first)
    with timeline.step("a run of the pipeline that has changed") as results:
        run = submit(*REPOSITORIES)
        pod = kube.get("pod", run.running("fetch"))
        assert fetch in [container["image"] for container in pod["spec"]["containers"]]
        run.succeeded()
        results.append(f"with the new image of fetch; the decision: {run.outputs('register')['decision']}")


def commented(timeline: Timeline, version: str, places: dict[str, str], state: str) -> None:
    """From a comment back to the model, the gate, the data, the run, the workflow with its images, and the code."""
    with timeline.step("a comment, and the line behind it") as results:
        parts = comment.trace(comment.provoke(), state, places)
        facts = {name: part["facts"] for name, part in parts.items()}
        assert (facts["alert"]["mode"], facts["model"]["version"]) == ("comment", version)
        assert facts["prediction"]["digest"] == facts["model"]["model_sha256"]
        assert facts["gate"]["decision"] == "accepted"
        assert facts["dataset"]["hash"] in facts["dataset"]["uri"]
        assert set(facts["dataset"]["watermarks"]) == set(REPOSITORIES)
        assert facts["run"]["status"] == "FINISHED"
        assert facts["code"]["image_digest"] == image_of_service().rpartition("@")[2]
        assert facts["workflow"]["images"] == {step: image_of(step, "production") for step in STEPS}
        missing = {name: sorted(part["missing"]) for name, part in parts.items() if part["missing"]}
        results.append(f"{sum(map(len, facts.values()))} facts; missing: {missing}")
        assert missing.keys() <= {"code", "workflow"}, missing


def broken() -> None:
    """Let the mistake show, in every pod that users reach."""
    chosen = kube.get("service", "model-serving-active", namespace=PRODUCTION)["spec"]["selector"][POD_HASH]
    for pod in kube.get("pods", "--selector", f"{POD_HASH}={chosen}", namespace=PRODUCTION)["items"]:
        kube.kubectl("exec", pod["metadata"]["name"], "--", "touch", BROKEN, namespace=PRODUCTION)
