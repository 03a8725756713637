"""A model's whole way, by the clock: from retraining over both environments to its users, and back when it turns bad.

`make drill` prints it. Everything is real except GitHub, where a fake server takes the pull requests; and the new
image has a mistake in it that can be made to show after it was promoted.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from release.cluster import POD_HASH, ROLLOUT, RolloutState, read_state
from release.images import SERVE
from tests.cluster import kube
from tests.cluster.argo import submit
from tests.cluster.drill.environments import ARGO_CD, BRANCHES, HERE, WATCH, change, opened
from tests.cluster.project import REGISTRY, REPOSITORIES
from tests.support.releases import Repository

PRODUCTION = BRANCHES["production"][1]
BROKEN = "/tmp/broken"  # noqa: S108  the pod's own
NEWER = {"example/docs#3": dict.fromkeys(("created_at", "updated_at"), "2026-08-10T09:00:00Z")}
"""A pull request that is the newest of all, so that a model which has seen it is the fresher one."""


class Timeline:
    """A printed line for each step when it is done: its start, duration and results."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._print("    at   took")

    @contextmanager
    def step(self, name: str) -> Iterator[list[str]]:
        """Time a step; what it came to may be added to the list."""
        began, results = time.monotonic(), list[str]()
        yield results
        at, took = began - self._began, time.monotonic() - began
        self._print(
            f"{at // 60:4.0f}:{at % 60:02.0f} {took // 60:3.0f}:{took % 60:02.0f}  {name}: {'; '.join(results)}"
        )

    @staticmethod
    def _print(line: str) -> None:
        print(line, flush=True)  # noqa: T201  what the drill is for


class Drill:
    """The commands of a release, as a person gives them, and what the environments show."""

    def __init__(self, repository: Repository, settings: dict[str, str], state: str) -> None:
        self.repository = repository
        self._settings = settings
        self._state = state

    def release(self, *arguments: str, code: int = 0) -> str:
        """Run `python -m release` in the clone; what it says."""
        done = subprocess.run(
            [sys.executable, "-m", "release", *arguments],
            cwd=self.repository.folder,
            env=os.environ | self._settings | {"COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def image(self, broken: bool = False) -> str:
        """Build the champion's image, and write it into branch staging; the model's version."""
        champion = json.loads(self.release("champion", "--state", self._state))
        name, options = f"{REGISTRY}/{SERVE}", os.environ.get("OPTIONS", "").split()
        file = f"{champion['folder']}/env/docker/Dockerfile"
        options += ["--build-arg", f"REVISION={self.repository.head('staging')}"]
        kube.run("docker", "build", "--file", file, "--tag", name, *options, champion["folder"])
        if broken:
            folder = f"{self._state}/broken"
            kube.run("mkdir", "--parents", folder)
            kube.run("cp", str(HERE.parent / "rollouts" / "faulty.py"), str(HERE / "Dockerfile"), folder)
            kube.run("docker", "build", "--tag", f"{name}:mistake", "--build-arg", f"SERVE={name}", folder)
            name += ":mistake"
        kube.run("docker", "push", name)
        self.set_digest(
            SERVE, digest(name), "--model-digest", champion["digest"], "--model-version", champion["version"]
        )
        return str(champion["version"])

    def set_staging(self, name: str, value: str) -> None:
        """Write a setting into branch staging, by hand."""
        self.repository.fetched("staging")
        self.repository.git("checkout", "--quiet", "-B", "staging", "origin/staging")
        path = self.repository.folder / "gitops" / "clusters" / "staging" / "settings.yaml"
        change(path, lambda found: found["data"].update({name: value}))
        self.repository.push("staging", f"{name} is {value}")

    def set_digest(self, image: str, reference: str, *model: str) -> None:
        """Write an image into branch staging."""
        self.release("set-digest", image, reference, *model)


def digest(name: str) -> str:
    """The reference of a pushed image by its digest."""
    references = kube.run("docker", "image", "inspect", "--format", '{{join .RepoDigests " "}}', name).split()
    return next(reference for reference in references if reference.startswith(f"{name.partition(':5000/')[0]}"))


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


def called_back(timeline: Timeline, version: str) -> None:
    """The release turns bad, and users get the earlier version again."""
    with timeline.step("the release turns bad") as results:
        broken()
        kube.wait(lambda: active("production") == version, "the earlier version in production")
        results.append(f"without a person, users get version {version} again")
    assert failures() > 0


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
    timeline = Timeline()
    with timeline.step("the pipeline's images, by digest, in both environments") as results:
        for name, reference in digests.items():
            drill.set_digest(name, reference)
        repository.merge("staging", "main")
        for environment in BRANCHES:
            synced(repository, environment, "Progressing", "Degraded")
        results.append("Argo CD has synchronised both; the service waits for a first model")
    first = retrained(timeline, "the first model")
    with timeline.step("the first release") as results:
        assert drill.image() == first
        reaches("staging", first, "Healthy")
        repository.merge("staging", "main")
        reaches("production", first, "Healthy")
        results.append(f"both have version {first}; there was nothing to compare it with")
    request.getfixturevalue("beside")
    drill.release("released")
    assert "They agree." in drill.release("status")

    timeline = Timeline()
    with kube.forwarded("github", 8080) as github:
        requests.post(f"http://{github}/_control", json={"change": NEWER}, timeout=10).raise_for_status()
        second = retrained(timeline, "retrain")
        requests.post(f"http://{github}/_reset", timeout=10).raise_for_status()
    with timeline.step("image") as results:
        assert drill.image(broken=True) == second
        results.append("built, pushed, its digest in branch staging")
    previewed(drill, timeline, "staging", second)
    pushed(drill, timeline)
    previewed(drill, timeline, "staging", second)
    promoted(timeline, "staging", second)
    watched(timeline, "staging", second)
    with timeline.step("pull request") as results:
        results.append(drill.release("promote").strip())
        number = opened(commands, repository.head("staging"))
        results.append(drill.release("verify", number).strip())
        repository.merge("staging", "main")
    previewed(drill, timeline, "production", second)
    promoted(timeline, "production", second)
    assert failures() == 0, users()
    called_back(timeline, first)
    with timeline.step("status") as results:
        results.append(f"{drill.release('status', code=1).count('They disagree: ')} disagreements are named")
    with timeline.step(f"make rollback VERSION={first}") as results:
        results.extend(drill.release("rollback", "--", first).splitlines())
        repository.merge(f"rollback/version-{first}", "main")
        results.extend(drill.release("rollback", "--", first).splitlines())
        synced(repository, "production", "Healthy")
    with timeline.step("status") as results:
        results.extend(line for line in drill.release("status").splitlines() if line.startswith("They"))
    assert active("production") == first


def broken() -> None:
    """Let the mistake show, in every pod that users reach."""
    chosen = kube.get("service", "model-serving-active", namespace=PRODUCTION)["spec"]["selector"][POD_HASH]
    for pod in kube.get("pods", "--selector", f"{POD_HASH}={chosen}", namespace=PRODUCTION)["items"]:
        kube.kubectl("exec", pod["metadata"]["name"], "--", "touch", BROKEN, namespace=PRODUCTION)
