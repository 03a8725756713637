"""Reason phrases of HTTP, by their names in RFC 9110, which Python's are only from 3.13 on."""

from http import HTTPStatus

RENAMED: dict[int, str] = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Content Too Large",
    HTTPStatus.REQUEST_URI_TOO_LONG: "URI Too Long",
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: "Range Not Satisfiable",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Unprocessable Content",
}


def get_phrase(status: int) -> str:
    """Return the reason phrase of a status, the same on every supported Python."""
    return RENAMED.get(status, HTTPStatus(status).phrase)
