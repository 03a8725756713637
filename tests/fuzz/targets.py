"""The functions that read strangers' bytes; anything but a refusal with a problem is a fault."""

import asyncio
from collections.abc import Callable
from typing import Any

from steps.common.errors import DataError
from steps.serve import lookup
from steps.serve.contract import UrlRequest
from steps.serve.http import parsing
from steps.serve.http.examples import PULL_REQUEST, URL
from steps.serve.http.problems import RequestRefused
from steps.serve.webhooks import events, receiver

EVENTS = ("pull_request", "push", "check_run", "ping", "other")
SITE = "https://github.com"
EVENT = {
    "action": "opened",
    "number": 12,
    "ref": "refs/heads/main",
    "pull_request": {
        "head": {"sha": "0" * 40},
        "base": {"ref": "main"},
        "title": "x",
        "updated_at": "2026-01-01T00:00:00Z",
    },
    "repository": {"full_name": "owner/name", "default_branch": "main"},
    "installation": {"id": 1},
    "requested_action": {"identifier": "useful"},
    "check_run": {"external_id": "owner/name#1", "head_sha": "0" * 40},
    "sender": {"id": 1, "login": "a"},
}
VALID: tuple[Any, ...] = ({"pull_requests": [PULL_REQUEST]}, {"url": URL}, EVENT)
"""Bodies to begin with."""


def check_score(content: bytes) -> None:
    """Parse the body of `/score`."""
    try:
        found = asyncio.run(parsing.parse_pull_requests(content))
    except RequestRefused as refused:
        _check_refusal(refused)
    else:
        assert found


def check_url(content: bytes) -> None:
    """Parse the body of `/score_url`."""
    try:
        wanted = lookup.parse_url(parsing.parse_model(UrlRequest, content).url, SITE)
    except RequestRefused as refused:
        _check_refusal(refused)
    except DataError:
        pass
    else:
        assert ".." not in wanted.repository.split("/")


def check_webhook(content: bytes) -> None:
    """Read a signed delivery, of each kind of event."""
    for event in EVENTS:
        headers = {"x-github-event": event, "x-github-delivery": "a-delivery"}
        try:
            receiver._read_notice(headers, content)
        except RequestRefused as refused:
            _check_refusal(refused)


def check_signature(content: bytes) -> None:
    """Verify a signature that a stranger made up, and one that is right."""
    given = content[:80].decode("latin-1")
    assert not events.is_genuine([b"a secret of the service"], content, given)
    assert events.is_genuine([b"a secret of the service"], content, events.sign(b"a secret of the service", content))


def _check_refusal(refused: RequestRefused) -> None:
    assert refused.status in {400, 413, 422}
    bytes(refused.to_response().body).decode()


TARGETS: tuple[Callable[[bytes], None], ...] = (check_score, check_url, check_webhook, check_signature)


def check_all(content: bytes) -> None:
    """Give bytes to every target."""
    for target in TARGETS:
        target(content)
