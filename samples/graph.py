"""The fake server's GraphQL API over the synthetic repositories."""

import base64
import binascii
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLResolveInfo,
    build_schema,
    execute_sync,
    parse,
    validate,
)

from samples.files import File
from samples.records import Entry, Pull, SampleRepository

SCHEMA = build_schema((Path(__file__).parent / "schema.graphql").read_text())
SITE = "https://github.example"
MAX_PAGE = 100
LOCK_REASONS = {"off-topic": "OFF_TOPIC", "resolved": "RESOLVED", "spam": "SPAM", "too heated": "TOO_HEATED"}
CHANGE_TYPES = {"A": "ADDED", "M": "MODIFIED", "D": "DELETED", "R": "RENAMED", "C": "COPIED", "T": "CHANGED"}
Fields = dict[str, Any]


class Root:
    """The query type at a moment; `budget` is the value of `rateLimit`."""

    def __init__(self, repositories: dict[str, SampleRepository], now: str, budget: Fields) -> None:
        self.rateLimit = budget
        self._repositories = repositories
        self._now = now

    def repository(self, _info: GraphQLResolveInfo, owner: str, name: str) -> Fields:
        """Return one repository by any spelling of its name."""
        wanted = f"{owner}/{name}"
        for repository in self._repositories.values():
            if repository.full_name.lower() == wanted.lower():
                return self._build_repository(repository)
        raise _build_error("NOT_FOUND", f"There is no repository '{wanted}' to be seen.")

    def search(
        self,
        _info: GraphQLResolveInfo,
        query: str,
        type: str,  # noqa: A002 - the argument's name in GitHub's schema
        first: int | None = None,
        after: str | None = None,
    ) -> Fields:
        """Return repositories with every word in their name and the owner of `org:` or `user:`; largest first."""
        found = [item for item in self._repositories.values() if _matches(item.full_name, query)]
        found.sort(key=lambda item: (-len(item.pulls), item.full_name))
        begin = _place(after)[1] if after else 0
        end = begin + _check_page_size(first, "search")
        page_info = {"endCursor": _cursor(type, end), "hasNextPage": end < len(found)}
        nodes = [self._build_repository(item) for item in found[begin:end]]
        return {"repositoryCount": len(found), "pageInfo": page_info, "nodes": nodes}

    def _build_repository(self, repository: SampleRepository) -> Fields:
        def pull_requests(
            _info: GraphQLResolveInfo,
            first: int | None = None,
            after: str | None = None,
            orderBy: Fields | None = None,  # noqa: N803
        ) -> Fields:
            return _connection(repository, self._now, _check_page_size(first, "pullRequests"), after, orderBy)

        return {
            "__typename": "Repository",
            "id": f"R_{repository.full_name}",
            "name": repository.full_name.partition("/")[2],
            "nameWithOwner": repository.full_name,
            "pullRequests": pull_requests,
        }


def answer(text: str, variables: Fields, root: Root) -> Fields:
    """Execute a query and return `data`, `errors` or both."""
    try:
        document = _read(text)
    except GraphQLError as error:
        return {"errors": [_format_error(error)]}
    if errors := validate(SCHEMA, document):
        return {"errors": [_format_error(error) for error in errors]}
    result = execute_sync(SCHEMA, document, root, variable_values=variables)
    errors_part = {"errors": [_format_error(error) for error in result.errors]} if result.errors else {}
    return {"data": result.data, **errors_part}


@lru_cache(maxsize=32)
def _read(text: str) -> DocumentNode:
    return parse(text)


def _format_error(error: GraphQLError) -> Fields:
    """Format an error as GitHub does, with its type at the top level."""
    extensions = error.extensions or {}
    place = {"path": error.path} if error.path else {}
    return {"message": error.message, **place, **{key: extensions[key] for key in ("type",) if key in extensions}}


def _build_error(kind: str, message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"type": kind})


def _connection(repository: SampleRepository, now: str, first: int, after: str | None, order: Fields | None) -> Fields:
    if order != {"field": "UPDATED_AT", "direction": "ASC"}:
        raise _build_error("UNPROCESSABLE", "The fake server supports one order: UPDATED_AT ASC.")
    entries = repository.after(_place(after) if after else None, now)
    page = entries[:first]
    return {
        "totalCount": len(repository.at(now)),
        "pageInfo": {"endCursor": _cursor(*page[-1][:2]) if page else None, "hasNextPage": len(entries) > first},
        "edges": [{"cursor": _cursor(*entry[:2]), "node": _node(entry, repository.full_name)} for entry in page],
    }


def _node(entry: Entry, full_name: str) -> Fields | None:
    pull = entry.pull
    if pull is None:
        return None
    return {
        "__typename": "PullRequest",
        "id": f"PR_{full_name}_{pull.number}",
        "number": pull.number,
        "title": pull.title,
        "body": pull.body,
        "url": f"{SITE}/{full_name}/pull/{pull.number}",
        "state": "MERGED" if pull.merged_at else "CLOSED" if pull.closed_at else "OPEN",
        "isDraft": pull.draft,
        "locked": pull.lock_reason is not None,
        "activeLockReason": LOCK_REASONS.get(pull.lock_reason or ""),
        "createdAt": pull.created_at,
        "updatedAt": pull.updated_at,
        "closedAt": pull.closed_at,
        "mergedAt": pull.merged_at,
        "additions": pull.additions,
        "deletions": pull.deletions,
        "changedFiles": pull.changed_files,
        "baseRefName": pull.base,
        "headRefName": pull.head,
        "isCrossRepository": pull.fork,
        "authorAssociation": pull.association,
        "author": _actor(pull),
        "assignees": _nodes([_user(login) for login in pull.assignees]),
        "labels": _nodes([{"id": f"LA_{name}", "name": name} for name in pull.labels]),
        "commits": {"totalCount": pull.commits},
        "files": _nodes([_file(File(*file)) for file in pull.files], pull.changed_files),
    }


def _file(file: File) -> Fields:
    return {
        "path": file.path,
        "additions": file.additions,
        "deletions": file.deletions,
        "changeType": CHANGE_TYPES[file.status],
    }


def _nodes(items: list[Fields], total: int | None = None) -> Any:
    def connection(info: GraphQLResolveInfo, first: int | None = None) -> Fields:
        nodes = items[: _check_page_size(first, info.field_name)]
        return {"totalCount": len(items) if total is None else total, "nodes": nodes}

    return connection


def _actor(pull: Pull) -> Fields | None:
    if pull.author is None:
        return None
    return _user(pull.author) | {"databaseId": pull.account} | ({"__typename": "Bot"} if pull.bot else {})


def _user(login: str) -> Fields:
    return {"__typename": "User", "id": f"U_{login}", "login": login, "url": f"{SITE}/{login}"}


def _check_page_size(first: int | None, connection: str) -> int:
    if first is None or not 0 <= first <= MAX_PAGE:
        raise _build_error("INVALID_PAGINATION", f"`first` of `{connection}` must be given, from 0 to {MAX_PAGE}.")
    return first


def _cursor(*place: Any) -> str:
    return base64.b64encode(json.dumps(place).encode()).decode()


def _place(cursor: str) -> tuple[str, int]:
    try:
        updated_at, number = json.loads(base64.b64decode(cursor, validate=True))
    except (binascii.Error, ValueError, TypeError):
        raise _build_error("INVALID_CURSOR_ARGUMENTS", f"`{cursor}` is not a valid cursor.") from None
    return str(updated_at), int(number)


def _matches(full_name: str, query: str) -> bool:
    owner = full_name.partition("/")[0]
    for word in query.lower().split():
        key, colon, value = word.partition(":")
        if (colon and key in ("org", "user") and value != owner) or (not colon and word not in full_name):
            return False
    return True
