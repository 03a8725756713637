"""One request to GitHub's REST API; a renamed repository's redirections are followed with the method and the body."""

import json
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from github.Requester import Requester

REDIRECTS = frozenset({HTTPStatus.FOUND, HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.PERMANENT_REDIRECT})
"""Redirections that PyGithub leaves to its callers; it follows 301 itself."""
MAX_REDIRECTS = 3


class Call(NamedTuple):
    """A request: its method, path, query, body and further headers."""

    verb: str
    path: str
    parameters: dict[str, str] | None = None
    body: Any = None
    headers: dict[str, str] | None = None


def send(requester: Requester, call: Call) -> tuple[dict[str, Any], Any]:
    """Send a request and return the headers, by their names in lower case, and the decoded content.

    Raises:
        GithubException: the status is that of an error.
        RuntimeError: a redirection leads to another host, or in a circle.
    """
    url, parameters = call.path, call.parameters
    for _ in range(MAX_REDIRECTS):
        status, headers, text = requester.requestJson(call.verb, url, parameters, dict(call.headers or {}), call.body)
        if status not in REDIRECTS:
            break
        url, parameters = _check_location(requester, headers.get("location", "")), None
    else:
        raise RuntimeError(f"redirected {MAX_REDIRECTS} times, at last to {url}")
    content = _decode(text)
    if status >= HTTPStatus.BAD_REQUEST:
        raise requester.createException(status, headers, content if isinstance(content, dict) else {})
    return headers, content


def _check_location(requester: Requester, location: str) -> str:
    """Return the URL of a redirection; the token goes to no other host."""
    parts = urlsplit(location)
    if location.startswith("/") or (parts.scheme, parts.hostname) == (requester.scheme, requester.hostname):
        return f"{requester.scheme}://{requester.hostname_and_port}{location}" if not parts.scheme else location
    raise RuntimeError(f"redirected to {parts.scheme}://{parts.hostname}")


def _decode(text: str) -> Any:
    """Decode a body; a page of HTML, which a proxy may send, is not JSON."""
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        if text.startswith(("{", "[")):
            raise
        return {"data": text}
