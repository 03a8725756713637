"""From GraphQL's form of a pull request to the document that is kept, in REST's names."""

from datetime import datetime
from typing import Any

from pydantic import ValidationError

from steps.common.mongo import Document
from steps.common.pull_request import PullRequest, reasons
from steps.fetch.queries import Edge

STATES = {"OPEN": "open", "CLOSED": "closed", "MERGED": "closed"}
FILE_STATUSES = {
    "ADDED": "added",
    "CHANGED": "changed",
    "COPIED": "copied",
    "DELETED": "removed",
    "MODIFIED": "modified",
    "RENAMED": "renamed",
}
DOCUMENT_VERSION = 2
"""Of the fields that documents have: where a repository was read with another version, it is read again.

2: head, cross_repository, files and the author's id.
"""


class Unusable(Exception):
    """A node that can't be a pull request, with what to call it and the reasons."""

    def __init__(self, source_id: str, why: list[str]) -> None:
        self.source_id = source_id
        self.reasons = why
        super().__init__(source_id, why)


def document(edge: Edge, repository: str, fetched_at: datetime) -> Document:
    """The document of one edge.

    Raises:
        Unusable: it can't be a pull request.
    """
    if edge.node is None:
        raise Unusable(f"{repository}@{edge.cursor}", ["GitHub gives nothing where a pull request should be"])
    try:
        pull = PullRequest.model_validate(_rest(edge.node, repository))
    except ValidationError as error:
        raise Unusable(_source_id(edge, repository), reasons(error)) from None
    return {"_id": pull.id, **pull.model_dump(), "fetched_at": fetched_at}


def _rest(node: dict[str, Any], repository: str) -> dict[str, Any]:
    state = node.get("state")
    return {
        "number": node.get("number"),
        "title": node.get("title"),
        "body": node.get("body"),
        "user": _author(node.get("author")),
        "author_association": node.get("authorAssociation"),
        "state": STATES.get(state) if isinstance(state, str) else state,
        "draft": node.get("isDraft"),
        "created_at": node.get("createdAt"),
        "updated_at": node.get("updatedAt"),
        "closed_at": node.get("closedAt"),
        "merged_at": node.get("mergedAt"),
        "additions": node.get("additions"),
        "deletions": node.get("deletions"),
        "changed_files": node.get("changedFiles"),
        "commits": _inside(node, "commits", "totalCount"),
        "labels": _present(_inside(node, "labels", "nodes")),
        "assignees": [_user(item) for item in _present(_inside(node, "assignees", "nodes"))],
        "base": {"ref": node.get("baseRefName"), "repo": {"full_name": repository}},
        "head": {"ref": node.get("headRefName")},
        "cross_repository": node.get("isCrossRepository"),
        "files": _files(node.get("files")),
        "html_url": node.get("url"),
    }


def _user(actor: Any) -> Any:
    """REST marks a bot's login, GraphQL doesn't."""
    if not isinstance(actor, dict):
        return actor
    kind, login = actor.get("__typename"), actor.get("login")
    if kind == "Bot" and isinstance(login, str) and not login.endswith("[bot]"):
        login = f"{login}[bot]"
    return {"login": login, "type": kind}


def _author(actor: Any) -> Any:
    return {**_user(actor), "id": actor.get("databaseId")} if isinstance(actor, dict) else actor


def _files(connection: Any) -> list[Any] | None:
    """REST's form of the files; None where GitHub lists none of those that there are."""
    nodes = connection.get("nodes") if isinstance(connection, dict) else None
    if not isinstance(nodes, list):
        return None
    return [_file(node) for node in nodes]


def _file(node: Any) -> Any:
    if not isinstance(node, dict):
        return None
    kind = node.get("changeType")
    return {
        "filename": node.get("path"),
        "status": FILE_STATUSES.get(kind) if isinstance(kind, str) else None,
        "additions": node.get("additions"),
        "deletions": node.get("deletions"),
    }


def _inside(node: dict[str, Any], connection: str, key: str) -> Any:
    value = node.get(connection)
    return value.get(key) if isinstance(value, dict) else None


def _present(items: Any) -> list[Any]:
    return [item for item in items if item is not None] if isinstance(items, list) else []


def _source_id(edge: Edge, repository: str) -> str:
    number = (edge.node or {}).get("number")
    return f"{repository}#{number}" if isinstance(number, int) else f"{repository}@{edge.cursor}"
