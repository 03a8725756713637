"""Revisions of the Rollout: how one is put in, what its analyses say, and what its users see."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pymongo import MongoClient
from pymongo.database import Database

from samples import raw
from tests.cluster import kube
from tests.support import candidates

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent
SPLIT = ROOT / "rollouts" / "split"
BESIDE = (HERE / "beside.yaml", HERE.parent / "load.yaml")
SPACE = "pr-sentinel-rollouts"
PROMETHEUS = f"http://prometheus.{SPACE}.svc:9090"
ROLLOUT = "model-serving"
BAD_WITHIN_SECONDS = 90
"""For a candidate that never gets ready."""
ALONE_SECONDS = 3
WITHOUT = os.environ.get("WITHOUT", "").split(",")
PRE, POST = "PrePromotion", "PostPromotion"
USUAL = "steps.serve.app:create_app"
FAULTY = "faulty:create"


class Release(NamedTuple):
    """A revision as Git defines it: a model, its declared digest and version, and how it is started."""

    model: str
    digest: str
    version: str = "4"
    app: str = USUAL
    settings: tuple[str, ...] = ()

    def patch(self) -> list[dict[str, Any]]:
        """The change of the Rollout, as JSON patch."""
        template = "/spec/template"
        serve = ["env", f"MODEL_DIR=/app/models/{self.model}", *self.settings, "uvicorn", "--factory", self.app]
        return [
            {
                "op": "replace",
                "path": f"{template}/metadata/annotations/pr-sentinel~1model-digest",
                "value": self.digest,
            },
            {
                "op": "replace",
                "path": f"{template}/metadata/annotations/pr-sentinel~1model-version",
                "value": self.version,
            },
            {
                "op": "add",
                "path": f"{template}/spec/containers/0/command",
                "value": [*serve, "--host", "0.0.0.0", "--port", "3000", "--log-level", "warning"],  # noqa: S104
            },
        ]


def overlay(folder: Path, images: list[dict[str, str]], active: str) -> dict[str, Any]:
    """The Rollout with its accounts, and what it has beside it here."""
    files = (*(ROOT / "gitops" / "base" / "access" / name for name in ("serve.yaml", "checks.yaml")), *BESIDE)
    for path in files:
        shutil.copy(path, folder)
    return {
        "resources": [os.path.relpath(ROOT / "rollouts", folder), *(path.name for path in files)],
        "namespace": SPACE,
        "images": images,
        "patches": [
            {"target": {"kind": "Rollout"}, "patch": json.dumps(adapted(Release("active", active, "3")))},
            with_prometheus(),
            *left_out(),
            # Kustomize leaves alone whom a binding is for.
            {"target": {"kind": "RoleBinding"}, "patch": replaced("/subjects/0/namespace", SPACE)},
        ],
    }


def put_overlay(folder: Path, content: dict[str, Any]) -> None:
    """Apply an overlay, also over what tests have changed."""
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(content))
    kube.kubectl("apply", "--server-side", "--force-conflicts", "--kustomize", str(folder), namespace=SPACE)


def with_prometheus() -> dict[str, Any]:
    """A patch by which the live figures come from the Prometheus here."""
    template = yaml.safe_load((ROOT / "rollouts" / "analysis" / "post-promotion.yaml").read_text())
    place = [given["name"] for given in template["spec"]["args"]].index("prometheus")
    return {"target": {"name": "post-promotion"}, "patch": replaced(f"/spec/args/{place}/value", PROMETHEUS)}


def with_comparison() -> list[dict[str, Any]]:
    """Patches by which revisions are compared here, and within minutes."""
    metric = "/spec/metrics/0"
    changes = {
        f"{metric}/initialDelay": "30s",
        f"{metric}/interval": "10s",
        f"{metric}/count": 18,
        f"{metric}/inconclusiveLimit": 17,
    }
    template = yaml.safe_load((SPLIT / "comparison.yaml").read_text())
    place = [given["name"] for given in template["spec"]["args"]].index("comparison")
    changes[f"/spec/args/{place}/value"] = f"http://model-comparison.{SPACE}.svc"
    server, *_ = yaml.safe_load_all((SPLIT / "comparison-server.yaml").read_text())
    (container,) = server["spec"]["template"]["spec"]["containers"]
    place = next(number for number, one in enumerate(container["args"]) if one.startswith("--prometheus="))
    argument = replaced(f"/spec/template/spec/containers/0/args/{place}", f"--prometheus={PROMETHEUS}")
    patch = [{"op": "replace", "path": path, "value": value} for path, value in changes.items()]
    # What the other policies of the project let pass is missing here.
    policy = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "comparison"}}
    return [
        {"target": {"kind": "AnalysisTemplate", "name": "comparison"}, "patch": json.dumps(patch)},
        {"target": {"kind": "Deployment", "name": "model-comparison"}, "patch": argument},
        {
            "target": {"kind": "NetworkPolicy", "name": "comparison"},
            "patch": yaml.safe_dump({"$patch": "delete"} | policy),
        },
    ]


def adapted(first: Release) -> list[dict[str, Any]]:
    """The first revision, and less patience with one that never gets ready."""
    container = "/spec/template/spec/containers/0"
    own = {"deadline": "/spec/progressDeadlineAbort", "readiness": f"{container}/readinessProbe"}
    return [
        *first.patch(),
        {"op": "replace", "path": "/spec/progressDeadlineSeconds", "value": BAD_WITHIN_SECONDS},
        # A small node has no room for the pods of several revisions, each with a good part of a core.
        {"op": "replace", "path": f"{container}/resources/requests/cpu", "value": "50m"},
        *({"op": "remove", "path": path} for name, path in own.items() if name in WITHOUT),
    ]


def left_out() -> Iterator[dict[str, Any]]:
    """Patches that take the checks that WITHOUT names out of the analyses."""
    for path in (ROOT / "rollouts" / "analysis").glob("*.yaml"):
        metrics = [*enumerate(yaml.safe_load(path.read_text())["spec"]["metrics"])]
        named = [n for n, one in reversed(metrics) if one["name"] in WITHOUT]
        patch = [{"op": "remove", "path": f"/spec/metrics/{n}"} for n in named]
        if patch:
            yield {"target": {"kind": "AnalysisTemplate", "name": path.stem}, "patch": json.dumps(patch)}


def replaced(path: str, value: str) -> str:
    """A JSON patch that puts a value in another's place."""
    return json.dumps([{"op": "replace", "path": path, "value": value}])


def filled() -> None:
    """Pull requests and histories in MongoDB, as fetch and preprocess leave them."""
    rows = candidates.rows()
    pulls = [pull | {"created_at": datetime.fromisoformat(pull["created_at"])} for pull in raw.build_newest(600)]
    with documents() as database:
        database.history.insert_many(candidates.histories(rows))
        database.pull_requests.insert_many(pulls)


@contextmanager
def documents() -> Iterator[Database[dict[str, Any]]]:
    """The service's documents."""
    with (
        kube.forwarded("mongodb", 27017, SPACE) as address,
        MongoClient[dict[str, Any]](f"mongodb://{address}", directConnection=True) as client,
    ):
        yield client.pr_sentinel


def rollout() -> Any:
    """The Rollout as it is."""
    return kube.get("rollout", ROLLOUT, namespace=SPACE)


def wait_for(*phases: str) -> Any:
    """The Rollout as soon as it is in one of these phases, having seen its latest revision."""

    def look() -> Any:
        found = rollout()
        status = found.get("status", {})
        seen = status.get("observedGeneration") == str(found["metadata"]["generation"])
        return found if seen and status.get("phase") in phases else None

    return kube.wait(look, f"a Rollout that is {' or '.join(phases)}")


def put(given: Release) -> None:
    """Put a revision in."""
    change = json.dumps(given.patch())
    kube.kubectl("patch", "rollout", ROLLOUT, "--type=json", f"--patch={change}", namespace=SPACE)


def release(given: Release) -> Any:
    """Put a revision in, and wait until it waits for a person or is given up."""
    put(given)
    return wait_for("Paused", "Degraded", "Healthy")


def run_plugin(*command: str) -> None:
    """Run a command of the Argo Rollouts plugin on the Rollout."""
    kube.run("kubectl", "argo", "rollouts", "--namespace", SPACE, *command, ROLLOUT)


def promoted() -> None:
    """Promote, and wait until the Service has the new revision."""
    before = active_hash()
    run_plugin("promote")
    kube.wait(lambda: active_hash() != before, "the promoted revision")


def analyses(found: Any, kind: str) -> list[Any]:
    """Those of the latest revision."""
    chosen = f"rollouts-pod-template-hash={found['status']['currentPodHash']},rollout-type={kind}"
    return list(kube.get("analysisrun", "--selector", chosen, namespace=SPACE)["items"])


def analysed(found: Any, kind: str) -> dict[str, str]:
    """Return the phase of each metric of the latest revision's analysis; empty without an analysis."""
    runs = analyses(found, kind)
    return {one["name"]: one["phase"] for run in runs for one in run.get("status", {}).get("metricResults", [])}


def measured(kind: str) -> dict[str, str]:
    """Wait for metrics of the latest revision's analysis and return their phases."""
    return kube.wait(lambda: analysed(rollout(), kind), f"a {kind} analysis")


def active_hash() -> str:
    """Return the revision that users reach."""
    service = kube.get("service", "model-serving-active", namespace=SPACE)
    return str(service["spec"]["selector"]["rollouts-pod-template-hash"])


@dataclass(frozen=True)
class Called:
    """The count of the caller's requests of one kind, and the Unix time of the last."""

    count: int
    last: float


def called() -> dict[str, Called]:
    """By the model's digest for answers, and by its kind for failures."""
    line = kube.wait(lambda: kube.kubectl("logs", "deployment/caller", "--tail=1", namespace=SPACE), "a call")
    return {what: Called(*seen) for what, seen in json.loads(line).items()}


def failures(counts: dict[str, Called]) -> dict[str, int]:
    """Count the failed requests by kind."""
    return {what: seen.count for what, seen in counts.items() if what.startswith("failed")}


def last_answer(old: str, new: str) -> float:
    """When the old model answered last, in seconds since 1970, once the new one alone has answered for a while."""

    def look() -> float | None:
        counts = called()
        last = counts[old[:12]].last
        return last if counts.get(new[:12], Called(0, 0)).last > last + ALONE_SECONDS else None

    return kube.wait(look, "the new model's answers")
