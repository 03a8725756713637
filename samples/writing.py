"""Comments on the fake server's pull requests, and check runs on their commits."""

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from samples import rest
from samples.identities import Identity
from samples.records import SampleRepository

CONCLUSIONS = frozenset({"success", "failure", "neutral", "cancelled", "skipped", "timed_out", "action_required"})
MAX_ACTIONS = 3
ACTION_LENGTHS = {"label": 20, "description": 40, "identifier": 20}
MAX_WRITTEN = 1_000
COMMENT_ROUTE = re.compile(r"/repos/(?P<name>[^/]+/[^/]+)/issues/(?:(?P<number>\d+)/comments|comments/(?P<id>\d+))")
CHECK_ROUTE = re.compile(
    r"/repos/(?P<name>[^/]+/[^/]+)/(?:check-runs(?:/(?P<id>\d+))?|commits/(?P<sha>[0-9a-f]+)/check-runs)"
)
Fields = dict[str, Any]


class Reply(NamedTuple):
    """A status and a body."""

    status: HTTPStatus
    body: Any


class Request(NamedTuple):
    """A request and its client."""

    verb: str
    path: str
    query: str
    body: Any
    who: Identity


NOT_FOUND = Reply(HTTPStatus.NOT_FOUND, {"message": "Not Found"})
FULL = Reply(HTTPStatus.FORBIDDEN, {"message": "The fake server stores no more."})
ONLY_APPS = Reply(HTTPStatus.FORBIDDEN, {"message": "You must authenticate via a GitHub App."})


def invalid(message: str) -> Reply:
    """Build the reply to an invalid request."""
    return Reply(HTTPStatus.UNPROCESSABLE_ENTITY, {"message": f"Validation Failed: {message}"})


class WrittenRecords:
    """The comments and check runs, in order."""

    def __init__(self) -> None:
        self.comments: dict[int, Fields] = {}
        self.check_runs: dict[int, Fields] = {}

    def answer(self, asked: Request, repositories: dict[str, SampleRepository], now: str) -> Reply | None:
        """Handle a request about comments or check runs; return None for any other."""
        comment, check = COMMENT_ROUTE.fullmatch(asked.path), CHECK_ROUTE.fullmatch(asked.path)
        match = comment or check
        if match is None:
            return None
        repository = repositories.get(match["name"])
        if repository is None:
            return NOT_FOUND
        if asked.verb in ("POST", "PATCH") and not isinstance(asked.body, dict):
            return invalid("no object")
        if comment:
            return self._comment(asked, repository, now, match)
        return self._check(asked, repository, now, match)

    def _comment(self, asked: Request, repository: SampleRepository, now: str, match: re.Match[str]) -> Reply:
        if match["id"]:
            own = self.comments.get(int(match["id"]))
            if own and asked.verb == "DELETE":
                del self.comments[int(match["id"])]
                return Reply(HTTPStatus.NO_CONTENT, None)
            return _update(asked, own, ("body",)) if own else NOT_FOUND
        number = int(match["number"])
        if repository.one(number, now) is None:
            return NOT_FOUND
        issue = f"/repos/{repository.full_name}/issues/{number}"
        if asked.verb == "GET":
            return Reply(
                HTTPStatus.OK, paginate([one for one in self.comments.values() if one["issue"] == issue], asked)
            )
        if not isinstance(asked.body.get("body"), str):
            return invalid("body")
        return _add(self.comments, {"body": asked.body["body"], "user": asked.who.to_account(), "issue": issue})

    def _check(self, asked: Request, repository: SampleRepository, now: str, match: re.Match[str]) -> Reply:
        if asked.verb == "GET":
            found = self._runs(repository, match["sha"], parse_qs(asked.query).get("check_name"))
            return Reply(HTTPStatus.OK, {"total_count": len(found), "check_runs": paginate(found, asked)})
        if asked.who.kind != "installation":
            return ONLY_APPS
        if wrong := _find_invalid_field(asked.body):
            return invalid(wrong)
        if match["id"]:
            own = self.check_runs.get(int(match["id"]))
            return (
                _update(asked, own, ("actions", "conclusion", "external_id", "output", "status")) if own else NOT_FOUND
            )
        if not isinstance(asked.body.get("name"), str) or asked.body.get("head_sha") not in _commits(repository, now):
            return invalid("name or head_sha")
        named = ("name", "head_sha", "external_id", "status", "conclusion", "output", "actions")
        fields = {name: asked.body.get(name) for name in named}
        app = {"slug": "pr-sentinel", "id": asked.who.id}
        return _add(self.check_runs, {**fields, "app": app, "repository": repository.full_name})

    def _runs(self, repository: SampleRepository, sha: str, names: list[str] | None) -> list[Fields]:
        return [
            run
            for run in self.check_runs.values()
            if (run["repository"], run["head_sha"]) == (repository.full_name, sha)
            and (not names or run["name"] in names)
        ]


def _commits(repository: SampleRepository, now: str) -> Iterator[str]:
    return (rest.head_sha(entry.pull, repository.full_name) for entry in repository.at(now) if entry.pull)


def _find_invalid_field(body: Fields) -> str:
    """Return the invalid field of a check run, or an empty text."""
    output = body.get("output") or {}
    if not all(map(_is_action, body.get("actions") or [])) or len(body.get("actions") or []) > MAX_ACTIONS:
        return "actions"
    if body.get("conclusion") not in CONCLUSIONS or body.get("status") != "completed":
        return "conclusion or status"
    return "" if all(isinstance(output.get(name), str) for name in ("title", "summary")) else "output"


def _is_action(action: Any) -> bool:
    """Return True if a button has its texts, none longer than GitHub allows."""
    return isinstance(action, dict) and all(
        isinstance(action.get(name), str) and 0 < len(action[name]) <= most for name, most in ACTION_LENGTHS.items()
    )


def _update(asked: Request, own: Fields, names: tuple[str, ...]) -> Reply:
    if asked.verb != "PATCH":
        return NOT_FOUND
    own.update({name: asked.body[name] for name in names if name in asked.body}, edits=own["edits"] + 1)
    return Reply(HTTPStatus.OK, own)


def _add(kept: dict[int, Fields], fields: Fields) -> Reply:
    if len(kept) >= MAX_WRITTEN:
        return FULL
    place = max(kept, default=0) + 1
    kept[place] = {"id": place, "edits": 0, **fields}
    return Reply(HTTPStatus.CREATED, kept[place])


def paginate(items: list[Fields], asked: Request) -> list[Fields]:
    """Return the page of a list that a request asks for."""
    wanted = parse_qs(asked.query)
    size, page = int(wanted.get("per_page", ["30"])[0]), int(wanted.get("page", ["1"])[0])
    return items[(page - 1) * size : page * size]
