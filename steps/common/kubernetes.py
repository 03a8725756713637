"""A client of the API server of the cluster that this pod runs in; its failures are errors that a person can fix."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests

from steps.common.errors import AccessRefused, ConfigurationError, NotFound, Unavailable

API = "https://kubernetes.default.svc"
ACCOUNT_FOLDER = Path("/var/run/secrets/kubernetes.io/serviceaccount")
TIMEOUT_SECONDS = 10


class ApiServerClient:
    """A client with the token, certificate and namespace of a service account."""

    def __init__(self, api: str = API, account: Path = ACCOUNT_FOLDER) -> None:
        """Read the service account's files.

        Raises:
            ConfigurationError: there is no token.
        """
        try:
            self.namespace = (account / "namespace").read_text().strip()
            token = (account / "token").read_text().strip()
        except OSError:
            raise ConfigurationError(
                f"{account} contains no token for the API server.",
                advice="Run it in a pod with a service account token.",
            ) from None
        self._api = api
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"
        self._session.verify = str(account / "ca.crt")

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """Read a resource, or a list of them.

        Raises:
            NotFound: it does not exist.
            AccessRefused, Unavailable: the API server denies access or does not respond.
        """
        return self._read(self._send("GET", path, params=query), path)

    def create(self, path: str, resource: Mapping[str, Any]) -> bool:
        """Create a resource in the list at `path`; return False if there is one by its name already.

        Raises:
            AccessRefused, NotFound, Unavailable: as `get`.
        """
        answer = self._send("POST", path, json=resource)
        if answer.status_code == requests.codes.conflict:
            return False
        self._read(answer, path)
        return True

    def _send(self, method: str, path: str, **content: Any) -> requests.Response:
        try:
            return self._session.request(method, f"{self._api}/{path}", timeout=TIMEOUT_SECONDS, **content)
        except requests.RequestException as error:
            raise Unavailable(
                f"The API server does not respond ({type(error).__name__}).", advice="Check the network policy."
            ) from None

    def _read(self, answer: requests.Response, path: str) -> Any:
        if answer.status_code in (requests.codes.unauthorized, requests.codes.forbidden):
            raise AccessRefused(
                f"The API server denied access to {path}.", advice="Check the Role of the pod's service account."
            )
        if answer.status_code == requests.codes.not_found:
            raise NotFound(f"The API server has no {path}.", advice="Check the names.")
        if not answer.ok:
            raise Unavailable(f"The API server returned {answer.status_code} for {path}.", advice="Run it again.")
        return answer.json()
