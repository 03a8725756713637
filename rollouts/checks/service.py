"""An HTTP client of the service with a new connection for each request, so that every pod behind a URL may answer."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import requests

from rollouts.checks.load.answers import RequestFailed, WrongAnswer, WrongModel, check
from steps.serve.contract import CHECK_HEADER

TIMEOUT_SECONDS = 10
BATCH_SIZE = 50
"""Pull requests per request; below the service's limit of repositories per request."""
MARKED = {CHECK_HEADER: "release"}
"""The headers of every request, which keep it apart from people's."""
FAILURES = (RequestFailed, WrongAnswer, WrongModel)
"""The errors that a request may raise."""

Json = Any


class RunningModel(NamedTuple):
    """A model that answers: the digest and the version that it reports."""

    digest: str
    version: str


class ServiceClient:
    """A client of the service at a URL."""

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")

    def get_json(self, path: str, body: Json = None) -> tuple[Mapping[str, str], Json]:
        """Return the headers and the JSON of a path; with a body, POST it.

        Raises:
            RequestFailed: there is no answer, or an error.
            WrongAnswer: the answer is not valid JSON.
        """
        answer = self._request(path, body)
        try:
            return answer.headers, answer.json()
        except ValueError:
            raise WrongAnswer(f"{path} is not valid JSON") from None

    def digest(self) -> str:
        """Return the digest of the model that answers.

        Raises:
            RequestFailed, WrongAnswer: the service does not report one.
        """
        (digest,) = self._read_card("digest")
        return digest

    def model(self) -> RunningModel:
        """Return the model that answers.

        Raises:
            RequestFailed, WrongAnswer: the service does not report one.
        """
        return RunningModel(*self._read_card(*RunningModel._fields))

    def _read_card(self, *names: str) -> list[str]:
        _, card = self.get_json("/model")
        for name in names:
            if not isinstance(card, dict) or not isinstance(card.get(name), str):
                raise WrongAnswer(f"/model names no {name}")
        return [card[name] for name in names]

    def results(self, pulls: Sequence[Json], digest: str) -> list[Json]:
        """Score pull requests and return the results in their order.

        Raises:
            RequestFailed, WrongModel, WrongAnswer: an answer is not correct.
        """
        found: list[Json] = []
        for start in range(0, len(pulls), BATCH_SIZE):
            part = pulls[start : start + BATCH_SIZE]
            answer = self._request("/score", {"pull_requests": part})
            check([pull_request_id(pull) for pull in part], answer.status_code, answer.headers, answer.content, digest)
            found += answer.json()["results"]
        return found

    def _request(self, path: str, body: Json) -> requests.Response:
        verb = "GET" if body is None else "POST"
        try:
            answer = requests.request(verb, f"{self.address}{path}", json=body, headers=MARKED, timeout=TIMEOUT_SECONDS)
        except requests.RequestException as error:
            raise RequestFailed(f"no answer from {self.address}{path} ({type(error).__name__})") from None
        if answer.status_code != requests.codes.ok:
            raise RequestFailed(f"HTTP {answer.status_code} from {self.address}{path}")
        return answer


def pull_request_id(pull: Json) -> str:
    """Return the id of a pull request, `owner/name#number`."""
    return f"{pull['base']['repo']['full_name']}#{pull['number']}"
