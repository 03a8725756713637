"""The pods behind a Service, as the API server of the cluster around this pod knows them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from steps.common.errors import AccessRefused, ConfigurationError, NotFound, Unavailable

API = "https://kubernetes.default.svc"
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
POD_HASH = "rollouts-pod-template-hash"
TIMEOUT_SECONDS = 10


@dataclass(frozen=True)
class Pod:
    """One that is ready; `pod_hash` tells its revision, `image` is as its manifest names it."""

    name: str
    address: str
    pod_hash: str | None
    image: str


class Cluster:
    """The API server, asked as the account whose token, certificate and namespace are in a folder."""

    def __init__(self, api: str = API, account: Path = ACCOUNT) -> None:
        """Read them.

        Raises:
            ConfigurationError: this is no pod that has a token.
        """
        try:
            self._namespace = (account / "namespace").read_text().strip()
            token = (account / "token").read_text().strip()
        except OSError:
            raise ConfigurationError(
                f"There is no token for the API server in {account}.",
                advice="Run in a pod that has one, or without --service.",
            ) from None
        self._api = api
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"
        self._session.verify = str(account / "ca.crt")

    def ready(self, service: str) -> list[Pod]:
        """The pods that a Service sends requests to.

        Raises:
            NotFound: there is no such Service.
            AccessRefused, Unavailable: the API server does not say.
        """
        self._get(f"api/v1/namespaces/{self._namespace}/services/{service}")
        slices = self._get(
            f"apis/discovery.k8s.io/v1/namespaces/{self._namespace}/endpointslices",
            {"labelSelector": f"kubernetes.io/service-name={service}"},
        )
        return [self._pod(name, address) for name, address in _endpoints(slices["items"])]

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
                f"The API server does not answer ({type(error).__name__}).", advice="Check the network policy."
            ) from None
        if answer.status_code in (requests.codes.unauthorized, requests.codes.forbidden):
            raise AccessRefused(f"The API server refuses {path}.", advice="Check the Role of this pod's account.")
        if answer.status_code == requests.codes.not_found:
            raise NotFound(f"The API server has no {path}.", advice="Check the names.")
        if not answer.ok:
            raise Unavailable(f"The API server answers {path} with {answer.status_code}.", advice="Try again.")
        return answer.json()


def _endpoints(slices: list[Any]) -> Iterator[tuple[str, str]]:
    """Name and address of each pod that is ready."""
    for each in slices:
        for endpoint in each.get("endpoints") or ():
            if endpoint["conditions"].get("ready"):
                (port,) = each["ports"]
                yield endpoint["targetRef"]["name"], f"http://{endpoint['addresses'][0]}:{port['port']}"
