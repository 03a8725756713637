"""An environment's cluster for the tests of the release commands, behind a fake kubectl."""

import json
from pathlib import Path
from typing import Any

from release.analysis import Analysis
from release.images import SERVE
from tests.support.releases import digest, model

HELD = {"argocd.argoproj.io/skip-reconcile": "true"}


class Cluster:
    """An environment's cluster, in the file that the fake kubectl uses."""

    def __init__(self, path: Path, host: str) -> None:
        self.path = path
        self.host = host

    def write(self, *revisions: int, active: int, stable: int, current: int, argo_cd: bool = True) -> None:
        """A Rollout with these revisions, each with the release of its number."""
        status = {
            "blueGreen": {"activeSelector": f"hash{active}", "previewSelector": f"hash{current}"},
            "stableRS": f"hash{stable}",
            "currentPodHash": f"hash{current}",
            "observedGeneration": "1",
        }
        state: dict[str, Any] = {
            "rollout": {"metadata": {"uid": "one", "generation": 1}, "status": status},
            "replicasets": [self._replica_set(number) for number in revisions],
            "analysisruns": [],
            "application": {"metadata": {}} if argo_cd else None,
        }
        self.path.write_text(json.dumps(state))

    def _replica_set(self, number: int) -> dict[str, Any]:
        named = {"pr-sentinel/model-digest": model(number).digest, "pr-sentinel/model-version": str(number)}
        image = f"{self.host}/{SERVE}@{digest(number)}"
        return {
            "metadata": {
                "ownerReferences": [{"uid": "one"}],
                "labels": {"rollouts-pod-template-hash": f"hash{number}"},
                "annotations": {"rollout.argoproj.io/revision": str(number)},
            },
            "spec": {
                "template": {
                    "metadata": {
                        "annotations": named,
                        "labels": {"app": "model-serving", "rollouts-pod-template-hash": f"hash{number}"},
                    },
                    "spec": {"containers": [{"image": image}]},
                }
            },
        }

    def serve(self, image: str, number: int) -> None:
        """Let a revision have another image."""
        state = self.state
        hashes = [one["metadata"]["labels"]["rollouts-pod-template-hash"] for one in state["replicasets"]]
        found = state["replicasets"][hashes.index(f"hash{number}")]
        found["spec"]["template"]["spec"]["containers"][0]["image"] = image
        self.path.write_text(json.dumps(state))

    def say(self, sync: dict[str, str] | None, analyses: list[Analysis]) -> None:
        """Set the sync state of Argo CD's application, if there is one, and the analyses of the current revision."""
        state = self.state
        state["application"] = None if sync is None else {"metadata": {}, "status": {"sync": sync}}
        state["analysisruns"] = [_run(one, state["rollout"]["status"]["currentPodHash"]) for one in analyses]
        self.path.write_text(json.dumps(state))

    @property
    def state(self) -> dict[str, Any]:
        """All of it."""
        return dict(json.loads(self.path.read_text()))

    @property
    def active(self) -> str:
        """The pod hash that users get."""
        return str(self.state["rollout"]["status"]["blueGreen"]["activeSelector"])

    @property
    def is_held(self) -> bool:
        """Return whether Argo CD is paused."""
        return bool(self.state["application"]["metadata"].get("annotations") == HELD)


def _run(analysis: Analysis, pod_hash: str) -> dict[str, Any]:
    labels = {"rollouts-pod-template-hash": pod_hash, "rollout-type": analysis.kind}
    results = [{"name": name, "phase": phase} for name, phase in analysis.metrics.items()]
    return {
        "metadata": {"name": analysis.name, "labels": labels, "creationTimestamp": "2026-01-01T00:00:00Z"},
        "status": {"phase": analysis.phase, "metricResults": results},
    }
