"""Pull requests opened at the fake server between branches of a repository, and dispatched workflows."""

import re
from http import HTTPStatus
from urllib.parse import parse_qs

from samples.graph import SITE
from samples.records import SampleRepository
from samples.writing import FULL, MAX_WRITTEN, NOT_FOUND, Fields, Reply, Request, invalid

ROUTE = re.compile(
    r"/repos/(?P<name>[^/]+/[^/]+)/(?:pulls(?:/(?P<number>\d+))?|actions/workflows/(?P<workflow>[^/]+)/dispatches)"
)
WORKFLOWS = {"serve.yml"}
BRANCHES = {"main", "staging"}
EDITABLE = ("title", "body", "state")
MAX_BODY_CHARACTERS = 65_536


class Proposals:
    """The opened pull requests, in order; their numbers follow those of the repository."""

    def __init__(self) -> None:
        self.opened: list[Fields] = []
        self.dispatches: list[Fields] = []

    def answer(self, asked: Request, repositories: dict[str, SampleRepository], base: str) -> Reply | None:
        """Handle a request about them; return None for any other."""
        match = ROUTE.fullmatch(asked.path)
        repository = repositories.get(match["name"]) if match else None
        if match is None or repository is None:
            return None
        if asked.verb == "GET" and not match["workflow"]:
            return self._show(asked, repository, match["number"])
        if not isinstance(asked.body, dict):
            return invalid("no object")
        if match["workflow"]:
            return self._dispatch(asked, repository, match["workflow"])
        if match["number"]:
            return self._edit(asked, repository, int(match["number"]))
        return self._open(asked.body, repository, base)

    def _show(self, asked: Request, repository: SampleRepository, number: str | None) -> Reply | None:
        if number:
            found = self._find(repository, int(number))
            return Reply(HTTPStatus.OK, found) if found else None
        wanted = {key: values[0] for key, values in parse_qs(asked.query).items()}
        if "head" not in wanted:
            return None
        rows = [
            one
            for one in self._list_for(repository)
            if one["head"]["label"] == wanted["head"]
            and one["base"]["ref"] == wanted.get("base", one["base"]["ref"])
            and wanted.get("state", "open") in {"all", one["state"]}
        ]
        return Reply(HTTPStatus.OK, rows)

    def _open(self, body: Fields, repository: SampleRepository, base: str) -> Reply:
        if any(not isinstance(body.get(key), str) for key in ("title", "head", "base")):
            return invalid("title, head or base")
        if _is_too_long(body):
            return invalid("body is too long (maximum is 65536 characters)")
        label = f"{repository.full_name.partition('/')[0]}:{body['head']}"
        wanted = (label, body["base"], "open")
        if any(
            (one["head"]["label"], one["base"]["ref"], one["state"]) == wanted for one in self._list_for(repository)
        ):
            return invalid(f"A pull request already exists for {label}.")
        if len(self.opened) >= MAX_WRITTEN:
            return FULL
        number = max(repository.pulls) + len(self._list_for(repository)) + 1
        self.opened.append(
            {
                "number": number,
                "url": f"{base}/repos/{repository.full_name}/pulls/{number}",
                "html_url": f"{SITE}/{repository.full_name}/pull/{number}",
                "state": "open",
                "title": body["title"],
                "body": body.get("body") or "",
                "head": {"ref": body["head"], "label": label},
                "base": {"ref": body["base"], "repo": {"full_name": repository.full_name}},
                "edits": 0,
            }
        )
        return Reply(HTTPStatus.CREATED, self.opened[-1])

    def _edit(self, asked: Request, repository: SampleRepository, number: int) -> Reply:
        found = self._find(repository, number)
        if asked.verb != "PATCH" or found is None:
            return NOT_FOUND
        if _is_too_long(asked.body):
            return invalid("body is too long (maximum is 65536 characters)")
        found.update({key: asked.body[key] for key in EDITABLE if key in asked.body}, edits=found["edits"] + 1)
        return Reply(HTTPStatus.OK, found)

    def _dispatch(self, asked: Request, repository: SampleRepository, workflow: str) -> Reply:
        if asked.verb != "POST" or workflow not in WORKFLOWS:
            return NOT_FOUND
        branch = asked.body.get("ref")
        if branch not in BRANCHES:
            return invalid(f"No ref found for: {branch}")
        if len(self.dispatches) >= MAX_WRITTEN:
            return FULL
        self.dispatches.append({"repository": repository.full_name, "workflow": workflow, "ref": branch})
        return Reply(HTTPStatus.NO_CONTENT, None)

    def _list_for(self, repository: SampleRepository) -> list[Fields]:
        return [one for one in self.opened if one["base"]["repo"]["full_name"] == repository.full_name]

    def _find(self, repository: SampleRepository, number: int) -> Fields | None:
        return next((one for one in self._list_for(repository) if one["number"] == number), None)


def _is_too_long(body: Fields) -> bool:
    return len(body.get("body") or "") > MAX_BODY_CHARACTERS
