"""Pull requests opened at the fake server between branches, commit statuses, and dispatched workflows."""

import re
from http import HTTPStatus
from urllib.parse import parse_qs

from samples.graph import SITE
from samples.records import SampleRepository
from samples.writing import FULL, MAX_WRITTEN, NOT_FOUND, Fields, Reply, Request, invalid

ROUTE = re.compile(
    r"/repos/(?P<name>[^/]+/[^/]+)/(?:pulls(?:/(?P<number>\d+))?|actions/workflows/(?P<workflow>[^/]+)/dispatches"
    r"|statuses/(?P<commit>[0-9a-f]{40}))"
)
WORKFLOWS = {"serve.yml"}
BRANCHES = {"main", "staging"}
STATES = {"error", "failure", "pending", "success"}
MAX_DESCRIPTION_CHARACTERS = 140
EDITABLE = ("title", "body", "state")
MAX_BODY_CHARACTERS = 65_536


class Proposals:
    """The opened pull requests, in order; their numbers follow those of the repository."""

    def __init__(self) -> None:
        self.opened: list[Fields] = []
        self.dispatches: list[Fields] = []
        self.statuses: list[Fields] = []
        self.heads: dict[str, str] = {}
        """The commits at the heads of branches, which nobody but a test can know."""

    def answer(self, asked: Request, repositories: dict[str, SampleRepository], base: str) -> Reply | None:
        """Handle a request about them; return None for any other."""
        match = ROUTE.fullmatch(asked.path)
        repository = repositories.get(match["name"]) if match else None
        if match is None or repository is None:
            return None
        if asked.verb == "GET" and not match["workflow"] and not match["commit"]:
            return self._show(asked, repository, match["number"])
        if not isinstance(asked.body, dict):
            return invalid("no object")
        return self._write(asked, match, repository, base)

    def _write(self, asked: Request, match: re.Match[str], repository: SampleRepository, base: str) -> Reply:
        if match["workflow"]:
            return self._dispatch(asked, repository, match["workflow"])
        if match["commit"]:
            return self._set_status(asked, match["commit"])
        if match["number"]:
            return self._edit(asked, repository, int(match["number"]))
        return self._open(asked.body, repository, base)

    def _show(self, asked: Request, repository: SampleRepository, number: str | None) -> Reply | None:
        if number:
            found = self._find(repository, int(number))
            return Reply(HTTPStatus.OK, self._with_head(found)) if found else None
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
        owner, _, name = repository.full_name.partition("/")
        given, has_owner, branch = body["head"].rpartition(":")
        label = f"{given if has_owner else owner}:{branch}"
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
                "head": {"ref": branch, "label": label, "repo": {"full_name": f"{label.partition(':')[0]}/{name}"}},
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

    def _with_head(self, found: Fields) -> Fields:
        return found | {"head": found["head"] | {"sha": self.heads.get(found["head"]["label"].partition(":")[2], "")}}

    def _set_status(self, asked: Request, commit: str) -> Reply:
        if asked.verb != "POST":
            return NOT_FOUND
        described = asked.body.get("description") or ""
        if asked.body.get("state") not in STATES or len(described) > MAX_DESCRIPTION_CHARACTERS:
            return invalid("state or description")
        if len(self.statuses) >= MAX_WRITTEN:
            return FULL
        fields = {name: asked.body.get(name) for name in ("state", "context", "description")}
        self.statuses.append({**fields, "commit": commit, "creator": asked.who.to_account()})
        return Reply(HTTPStatus.CREATED, self.statuses[-1])

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
