"""A service asked over HTTP, each time by a connection of its own, so that every pod behind an address may answer."""

from collections.abc import Mapping, Sequence
from typing import Any

import requests

from rollouts.checks.load.answers import Failed, WrongAnswer, WrongModel, check

TIMEOUT_SECONDS = 10
AT_ONCE = 50
"""Pull requests in a request; fewer than the repositories that the service takes in one."""
BROKEN = (Failed, WrongAnswer, WrongModel)
"""What may come instead of an answer."""

Json = Any


class Service:
    """The service at an address."""

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")

    def told(self, path: str, body: Json = None) -> tuple[Mapping[str, str], Json]:
        """The headers and the JSON at a path, to which a body is posted if there is one.

        Raises:
            Failed: no answer, or an error.
            WrongAnswer: it isn't JSON.
        """
        answer = self._asked(path, body)
        try:
            return answer.headers, answer.json()
        except ValueError:
            raise WrongAnswer(f"{path} is no JSON") from None

    def digest(self) -> str:
        """That of the model which answers.

        Raises:
            Failed, WrongAnswer: there is none.
        """
        _, card = self.told("/model")
        if not isinstance(card, dict) or not isinstance(card.get("digest"), str):
            raise WrongAnswer("/model names no digest")
        return str(card["digest"])

    def results(self, pulls: Sequence[Json], digest: str) -> list[Json]:
        """A result for each of many pull requests, in their order.

        Raises:
            Failed, WrongModel, WrongAnswer: an answer isn't right.
        """
        found: list[Json] = []
        for start in range(0, len(pulls), AT_ONCE):
            part = pulls[start : start + AT_ONCE]
            answer = self._asked("/score", {"pull_requests": part})
            check([name(pull) for pull in part], answer.status_code, answer.headers, answer.content, digest)
            found += answer.json()["results"]
        return found

    def _asked(self, path: str, body: Json) -> requests.Response:
        verb = "GET" if body is None else "POST"
        try:
            answer = requests.request(verb, f"{self.address}{path}", json=body, timeout=TIMEOUT_SECONDS)
        except requests.RequestException as error:
            raise Failed(f"no answer from {self.address}{path} ({type(error).__name__})") from None
        if answer.status_code != requests.codes.ok:
            raise Failed(f"HTTP {answer.status_code} from {self.address}{path}")
        return answer


def name(pull: Json) -> str:
    """`owner/name#number`, as results name it."""
    return f"{pull['base']['repo']['full_name']}#{pull['number']}"
