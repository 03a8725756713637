"""The pods behind a Service, from the API server of the cluster that this pod runs in."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from steps.common.kubernetes import ApiServerClient

POD_HASH = "rollouts-pod-template-hash"
COMPARISON = "comparison"
"""The metric by which an analysis compares two revisions."""
UNDER_WAY = ("", "Pending", "Running")


@dataclass(frozen=True)
class Pod:
    """A ready pod; `pod_hash` identifies its revision, `image` is the one in its manifest."""

    name: str
    address: str
    pod_hash: str | None
    image: str


class KubernetesApi(ApiServerClient):
    """What the checks read from the API server."""

    def ready_pods(self, service: str) -> list[Pod]:
        """Return the ready pods behind a Service.

        Raises:
            NotFound: there is no such Service.
            AccessRefused, Unavailable: the API server denies access or does not respond.
        """
        self.get(f"api/v1/namespaces/{self.namespace}/services/{service}")
        slices = self.get(
            f"apis/discovery.k8s.io/v1/namespaces/{self.namespace}/endpointslices",
            {"labelSelector": f"kubernetes.io/service-name={service}"},
        )
        return [self._pod(name, address) for name, address in _ready_endpoints(slices["items"])]

    def find_analysis_start(self, pod_hash: str) -> datetime | None:
        """Return when the analysis that compares this revision began; None without one that still runs.

        Raises:
            AccessRefused, NotFound, Unavailable: as `get`.
        """
        found = self.get(
            f"apis/argoproj.io/v1alpha1/namespaces/{self.namespace}/analysisruns",
            {"labelSelector": f"{POD_HASH}={pod_hash}"},
        )
        began = [
            datetime.fromisoformat(run["metadata"]["creationTimestamp"])
            for run in found["items"]
            if any(metric["name"] == COMPARISON for metric in run["spec"]["metrics"])
            and run.get("status", {}).get("phase", "Pending") in UNDER_WAY
        ]
        return max(began, default=None)

    def _pod(self, name: str, address: str) -> Pod:
        found = self.get(f"api/v1/namespaces/{self.namespace}/pods/{name}")
        (container,) = found["spec"]["containers"]
        labels = found["metadata"].get("labels", {})
        return Pod(name, address, labels.get(POD_HASH), container["image"])


def _ready_endpoints(slices: list[Any]) -> Iterator[tuple[str, str]]:
    """Yield the name and URL of each ready pod."""
    for each in slices:
        for endpoint in each.get("endpoints") or ():
            if endpoint["conditions"].get("ready"):
                (port,) = each["ports"]
                yield endpoint["targetRef"]["name"], f"http://{endpoint['addresses'][0]}:{port['port']}"
