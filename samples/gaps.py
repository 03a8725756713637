"""Gaps in GraphQL responses: what the token may not see is null, with an error that names its place, as GitHub does."""

from typing import Any, NamedTuple

Fields = dict[str, Any]
WORDS = {
    "FORBIDDEN": "Resource protected by organization SAML enforcement. You must grant your token access to it.",
    "NOT_FOUND": "Could not resolve to a node with the global id of 'MDQ6VXNlcjE='.",
}


class Gap(NamedTuple):
    """A field of a pull request, or one result of a search by its place, that is null for this reason.

    Without a reason, the pull request is counted but not listed.
    """

    at: int
    field: str = "node"
    reason: str = ""


def apply(answer: Fields, gaps: list[Gap]) -> Fields:
    """Make the gaps in a response that has those pull requests or search results."""
    data = answer.get("data") or {}
    for gap in gaps:
        if search := data.get("search"):
            path = ["search", "nodes", gap.at]
            if gap.at < len(search["nodes"]):
                search["nodes"][gap.at] = None
                answer.setdefault("errors", []).append(_build_error(gap.reason, path))
        elif pulls := (data.get("repository") or {}).get("pullRequests"):
            _apply_to_pulls(answer, pulls["edges"], gap)
    return answer


def _apply_to_pulls(answer: Fields, edges: list[Fields], gap: Gap) -> None:
    for place, edge in enumerate(edges):
        if not edge["node"] or edge["node"]["number"] != gap.at:
            continue
        if not gap.reason:
            del edges[place]
            return
        path: list[Any] = ["repository", "pullRequests", "edges", place, "node"]
        if gap.field == "node":
            edge["node"] = None
        else:
            edge["node"][gap.field] = None
            path.append(gap.field)
        answer.setdefault("errors", []).append(_build_error(gap.reason, path))


def _build_error(reason: str, path: list[Any]) -> Fields:
    extensions = {"saml_failure": reason == "FORBIDDEN"}
    return {"type": reason, "path": path, "extensions": extensions, "message": WORDS.get(reason, "No words.")}
