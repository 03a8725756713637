"""A GitHub with a repository beside the service: its deliveries, and the votes of its maintainers."""

import json
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import requests

from samples import deliver
from samples.generate import generate_repositories
from samples.identities import IdentityRegistry
from tests.cluster import kube
from tests.cluster.rollouts.revisions import SPACE, documents
from tests.support.github import StandIn

SHOP = "example/webshop"
SECRET = "correct horse battery staple"  # noqa: S105 - it guards nothing
REPOSITORY = generate_repositories()[SHOP]


def deliver_pulls(numbers: Iterable[int], secret: str = SECRET) -> set[int]:
    """Deliver pull requests as GitHub does when they are opened; the statuses of the responses."""
    with kube.forwarded("model-serving-active", 80, SPACE) as address:
        return {_deliver(f"http://{address}/webhook", number, secret) for number in numbers}


def _deliver(url: str, number: int, secret: str) -> int:
    raw = json.dumps(deliver.build_payload(REPOSITORY, number, "opened") | {"moment": uuid.uuid4().hex}).encode()
    return requests.post(
        url, raw, headers=deliver.build_headers(raw, secret, str(uuid.uuid4())), timeout=20
    ).status_code


def list_comments() -> list[dict[str, Any]]:
    """Return what the service has commented."""
    with kube.forwarded("github", 8080, SPACE) as address:
        return list(requests.get(f"http://{address}/_written", timeout=10).json()["comments"])


def vote(comments: Iterable[int], content: str, people: Iterable[str]) -> None:
    """Have maintainers react to comments, and have the service read the reactions now instead of in an hour."""
    people = [*people]
    roles = {SHOP: {_login(one): "write" for one in people}}
    with kube.forwarded("github", 8080, SPACE) as address:
        StandIn(f"http://{address}").control(roles=roles)
        for comment in comments:
            url = f"http://{address}/repos/{SHOP}/issues/comments/{comment}/reactions"
            for one in people:
                headers = {"Authorization": f"token {one}"}
                requests.post(url, json={"content": content}, headers=headers, timeout=10).raise_for_status()
    with documents() as database:
        database.feedback.update_many({}, {"$set": {"next_check": datetime.now(UTC)}})


def _login(token: str) -> str:
    who = IdentityRegistry().identify(f"token {token}")
    assert who
    return who.login
