"""Conversion of a pull request in GraphQL's form to a document with the names of REST."""

from datetime import datetime
from typing import Any

from pydantic import ValidationError

from steps.common.mongo import Document
from steps.common.pull_request import PullRequest, format_reasons
from steps.fetch.queries import Edge

FILE_STATUSES = {
    "ADDED": "added",
    "CHANGED": "changed",
    "COPIED": "copied",
    "DELETED": "removed",
    "MODIFIED": "modified",
    "RENAMED": "renamed",
}
LOCK_REASONS = {"OFF_TOPIC": "off-topic", "RESOLVED": "resolved", "SPAM": "spam", "TOO_HEATED": "too heated"}
DOCUMENT_VERSION = 3
"""The version of the fields in documents; a repository that was read with another version is read again.

2: head, cross_repository, files and the author's id. 3: active_lock_reason.
"""


class UnusablePullRequest(Exception):
    """A node that is not a valid pull request, with its id and the reasons."""

    def __init__(self, source_id: str, why: list[str]) -> None:
        self.source_id = source_id
        self.reasons = why
        super().__init__(source_id, why)


def convert_pull_request(edge: Edge, repository: str, fetched_at: datetime, flaw: str | None = None) -> Document:
    """Convert an edge to a document; `flaw` says why the response is known to be incomplete.

    Raises:
        UnusablePullRequest: the node is not a valid pull request.
    """
    if edge.node is None:
        raise UnusablePullRequest(f"{repository}@{edge.cursor}", ["GitHub returns null instead of a pull request"])
    if flaw is not None:
        raise UnusablePullRequest(_format_source_id(edge, repository), [flaw])
    try:
        pull = PullRequest.model_validate(_convert_node(edge.node, repository))
    except ValidationError as error:
        raise UnusablePullRequest(_format_source_id(edge, repository), format_reasons(error)) from None
    return {"_id": pull.id, **pull.model_dump(), "fetched_at": fetched_at}


def _convert_node(node: dict[str, Any], repository: str) -> dict[str, Any]:
    return {
        "number": node.get("number"),
        "title": node.get("title"),
        "body": node.get("body"),
        "user": _convert_author(node.get("author")),
        "author_association": node.get("authorAssociation"),
        "state": node.get("state"),
        "draft": node.get("isDraft"),
        "active_lock_reason": _convert_lock_reason(node.get("activeLockReason")),
        "created_at": node.get("createdAt"),
        "updated_at": node.get("updatedAt"),
        "closed_at": node.get("closedAt"),
        "merged_at": node.get("mergedAt"),
        "additions": node.get("additions"),
        "deletions": node.get("deletions"),
        "changed_files": node.get("changedFiles"),
        "commits": _get_inside(node, "commits", "totalCount"),
        "labels": _get_inside(node, "labels", "nodes"),
        "assignees": _convert_users(_get_inside(node, "assignees", "nodes")),
        "base": {"ref": node.get("baseRefName"), "repo": {"full_name": repository}},
        "head": {"ref": node.get("headRefName")},
        "cross_repository": node.get("isCrossRepository"),
        "files": _convert_files(node.get("files")),
        "html_url": node.get("url"),
    }


def _convert_users(actors: Any) -> Any:
    return [_convert_user(actor) for actor in actors] if isinstance(actors, list) else actors


def _convert_user(actor: Any) -> Any:
    return {"login": actor.get("login"), "type": actor.get("__typename")} if isinstance(actor, dict) else actor


def _convert_author(actor: Any) -> Any:
    return {**_convert_user(actor), "id": actor.get("databaseId")} if isinstance(actor, dict) else actor


def _convert_lock_reason(reason: Any) -> str | None:
    return LOCK_REASONS.get(reason) if isinstance(reason, str) else None


def _convert_files(connection: Any) -> list[Any] | None:
    """Convert the files to REST's form; None if GitHub lists none of them."""
    nodes = connection.get("nodes") if isinstance(connection, dict) else None
    if not isinstance(nodes, list):
        return None
    return [_convert_file(node) for node in nodes]


def _convert_file(node: Any) -> Any:
    if not isinstance(node, dict):
        return None
    kind = node.get("changeType")
    return {
        "filename": node.get("path"),
        "status": FILE_STATUSES.get(kind) if isinstance(kind, str) else None,
        "additions": node.get("additions"),
        "deletions": node.get("deletions"),
    }


def _get_inside(node: dict[str, Any], connection: str, key: str) -> Any:
    value = node.get(connection)
    return value.get(key) if isinstance(value, dict) else None


def _format_source_id(edge: Edge, repository: str) -> str:
    number = (edge.node or {}).get("number")
    return f"{repository}#{number}" if isinstance(number, int) else f"{repository}@{edge.cursor}"
