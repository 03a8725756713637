"""Pull requests that are opened at the stand-in, from one branch to another of a repository; and runs of workflows."""

import re
from http import HTTPStatus
from urllib.parse import parse_qs

from samples.graph import SITE
from samples.records import Repository
from samples.writing import FULL, MOST_WRITTEN, NOT_FOUND, Fields, Reply, Request, invalid

ROUTE = re.compile(
    r"/repos/(?P<name>[^/]+/[^/]+)/(?:pulls(?:/(?P<number>\d+))?|actions/workflows/(?P<workflow>[^/]+)/dispatches)"
)
WORKFLOWS = {"serve.yml"}
BRANCHES = {"main", "staging"}
EDITABLE = ("title", "body", "state")
LONGEST_BODY = 65_536


class Proposals:
    """All that were opened, in order; their numbers follow those of the repository's own."""

    def __init__(self) -> None:
        self.opened: list[Fields] = []
        self.dispatches: list[Fields] = []

    def answer(self, asked: Request, repositories: dict[str, Repository], base: str) -> Reply | None:
        """Answer what is about them; None for all else."""
        match = ROUTE.fullmatch(asked.path)
        repository = repositories.get(match["name"]) if match else None
        if match is None or repository is None:
            return None
        if asked.verb == "GET" and not match["workflow"]:
            return self._shown(asked, repository, match["number"])
        if not isinstance(asked.body, dict):
            return invalid("no object")
        if match["workflow"]:
            return self._dispatch(asked, repository, match["workflow"])
        if match["number"]:
            return self._edit(asked, repository, int(match["number"]))
        return self._open(asked.body, repository, base)

    def _shown(self, asked: Request, repository: Repository, number: str | None) -> Reply | None:
        if number:
            found = self._one(repository, int(number))
            return Reply(HTTPStatus.OK, found) if found else None
        wanted = {key: values[0] for key, values in parse_qs(asked.query).items()}
        if "head" not in wanted:
            return None
        rows = [
            one
            for one in self._of(repository)
            if one["head"]["label"] == wanted["head"]
            and one["base"]["ref"] == wanted.get("base", one["base"]["ref"])
            and wanted.get("state", "open") in {"all", one["state"]}
        ]
        return Reply(HTTPStatus.OK, rows)

    def _open(self, body: Fields, repository: Repository, base: str) -> Reply:
        if any(not isinstance(body.get(key), str) for key in ("title", "head", "base")):
            return invalid("title, head or base")
        if _too_long(body):
            return invalid("body is too long (maximum is 65536 characters)")
        label = f"{repository.full_name.partition('/')[0]}:{body['head']}"
        wanted = (label, body["base"], "open")
        if any((one["head"]["label"], one["base"]["ref"], one["state"]) == wanted for one in self._of(repository)):
            return invalid(f"A pull request already exists for {label}.")
        if len(self.opened) >= MOST_WRITTEN:
            return FULL
        number = max(repository.pulls) + len(self._of(repository)) + 1
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

    def _edit(self, asked: Request, repository: Repository, number: int) -> Reply:
        found = self._one(repository, number)
        if asked.verb != "PATCH" or found is None:
            return NOT_FOUND
        if _too_long(asked.body):
            return invalid("body is too long (maximum is 65536 characters)")
        found.update({key: asked.body[key] for key in EDITABLE if key in asked.body}, edits=found["edits"] + 1)
        return Reply(HTTPStatus.OK, found)

    def _dispatch(self, asked: Request, repository: Repository, workflow: str) -> Reply:
        if asked.verb != "POST" or workflow not in WORKFLOWS:
            return NOT_FOUND
        branch = asked.body.get("ref")
        if branch not in BRANCHES:
            return invalid(f"No ref found for: {branch}")
        if len(self.dispatches) >= MOST_WRITTEN:
            return FULL
        self.dispatches.append({"repository": repository.full_name, "workflow": workflow, "ref": branch})
        return Reply(HTTPStatus.NO_CONTENT, None)

    def _of(self, repository: Repository) -> list[Fields]:
        return [one for one in self.opened if one["base"]["repo"]["full_name"] == repository.full_name]

    def _one(self, repository: Repository, number: int) -> Fields | None:
        return next((one for one in self._of(repository) if one["number"] == number), None)


def _too_long(body: Fields) -> bool:
    return len(body.get("body") or "") > LONGEST_BODY
