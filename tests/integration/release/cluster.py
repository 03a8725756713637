"""Production's cluster as the release commands' tests set it up, for the stand-in that is in the place of kubectl."""

import json
from pathlib import Path
from typing import Any

from release.images import SERVE
from tests.integration.release.conftest import digest, model

HELD = {"argocd.argoproj.io/skip-reconcile": "true"}


class Cluster:
    """Production's cluster, by the file that its stand-in keeps it in."""

    def __init__(self, path: Path, host: str) -> None:
        self.path = path
        self.host = host

    def write(self, *revisions: int, active: int, stable: int, current: int, argo_cd: bool = True) -> None:
        """A Rollout with these revisions, each with the release of its number."""
        status = {
            "blueGreen": {"activeSelector": f"hash{active}", "previewSelector": f"hash{current}"},
            "stableRS": f"hash{stable}",
            "currentPodHash": f"hash{current}",
        }
        state = {
            "rollout": {"metadata": {"uid": "one"}, "status": status},
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
            "spec": {"template": {"metadata": {"annotations": named}, "spec": {"containers": [{"image": image}]}}},
        }

    @property
    def state(self) -> dict[str, Any]:
        """All of it."""
        return dict(json.loads(self.path.read_text()))

    @property
    def active(self) -> str:
        """The pod hash that users get."""
        return str(self.state["rollout"]["status"]["blueGreen"]["activeSelector"])

    @property
    def held(self) -> bool:
        """Whether Argo CD leaves it alone."""
        return bool(self.state["application"]["metadata"].get("annotations") == HELD)
