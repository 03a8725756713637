"""The pods behind a Service, from the API server of the cluster that this pod runs in."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from steps.common.errors import AccessRefused, ConfigurationError, NotFound, Unavailable

API = "https://kubernetes.default.svc"
ACCOUNT_FOLDER = Path("/var/run/secrets/kubernetes.io/serviceaccount")
POD_HASH = "rollouts-pod-template-hash"
TIMEOUT_SECONDS = 10


@dataclass(frozen=True)
class Pod:
    """A ready pod; `pod_hash` identifies its revision, `image` is the one in its manifest."""

    name: str
    address: str
    pod_hash: str | None
    image: str


class KubernetesApi:
    """A client of the API server, with the token, certificate and namespace of a service account."""

    def __init__(self, api: str = API, account: Path = ACCOUNT_FOLDER) -> None:
        """Read the service account's files.

        Raises:
            ConfigurationError: there is no token.
        """
        try:
            self._namespace = (account / "namespace").read_text().strip()
            token = (account / "token").read_text().strip()
        except OSError:
            raise ConfigurationError(
                f"{account} contains no token for the API server.",
                advice="Run the check in a pod with a service account token, or without --service.",
            ) from None
        self._api = api
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"
        self._session.verify = str(account / "ca.crt")

    def ready_pods(self, service: str) -> list[Pod]:
        """Return the ready pods behind a Service.

        Raises:
            NotFound: there is no such Service.
            AccessRefused, Unavailable: the API server denies access or does not respond.
        """
        self._get(f"api/v1/namespaces/{self._namespace}/services/{service}")
        slices = self._get(
            f"apis/discovery.k8s.io/v1/namespaces/{self._namespace}/endpointslices",
            {"labelSelector": f"kubernetes.io/service-name={service}"},
        )
        return [self._pod(name, address) for name, address in _ready_endpoints(slices["items"])]

    def _pod(self, name: str, address: str) -> Pod:
        found = self._get(f"api/v1/namespaces/{self._namespace}/pods/{name}")
        (container,) = found["spec"]["containers"]
        labels = found["metadata"].get("labels", {})
        return Pod(name, address, labels.get(POD_HASH), container["image"])

    def _get(self, path: str, query: dict[str, str] | None = None) -> Any:
        try:
            answer = self._session.get(f"{self._api}/{path}", params=query, timeout=TIMEOUT_SECONDS)
        except requests.RequestException as error:
            raise Unavailable(
                f"The API server does not respond ({type(error).__name__}).", advice="Check the network policy."
            ) from None
        if answer.status_code in (requests.codes.unauthorized, requests.codes.forbidden):
            raise AccessRefused(
                f"The API server denied access to {path}.", advice="Check the Role of the pod's service account."
            )
        if answer.status_code == requests.codes.not_found:
            raise NotFound(f"The API server has no {path}.", advice="Check the names.")
        if not answer.ok:
            raise Unavailable(
                f"The API server returned {answer.status_code} for {path}.", advice="Run the check again."
            )
        return answer.json()


def _ready_endpoints(slices: list[Any]) -> Iterator[tuple[str, str]]:
    """Yield the name and URL of each ready pod."""
    for each in slices:
        for endpoint in each.get("endpoints") or ():
            if endpoint["conditions"].get("ready"):
                (port,) = each["ports"]
                yield endpoint["targetRef"]["name"], f"http://{endpoint['addresses'][0]}:{port['port']}"
