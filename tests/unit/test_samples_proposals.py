"""The stand-in's pull requests from branch to branch, and runs of workflows: what GitHub would take, and what not."""

from typing import Any

import pytest

from samples.generate import generate_repositories
from samples.identities import Identity
from samples.proposals import Proposals
from samples.writing import Reply, Request

NAME = "example/webshop"
BASE = "http://github.example"
REPOSITORIES = generate_repositories()
SERVE = "actions/workflows/serve.yml/dispatches"
NEW = {"title": "Promote", "head": "staging", "base": "main", "body": "Why."}


def ask(proposals: Proposals, verb: str, path: str, body: Any = None) -> Reply | None:
    path, _, query = path.partition("?")
    asked = Request(verb, f"/repos/{NAME}/{path}", query, body, Identity("user", "somebody", 1))
    return proposals.answer(asked, REPOSITORIES, BASE)


def opened(proposals: Proposals) -> dict[str, Any]:
    reply = ask(proposals, "POST", "pulls", NEW)
    assert reply
    assert reply.status == 201
    return dict(reply.body)


def test_a_pull_request_is_opened_found_and_changed() -> None:
    """By its branches while it is open, with a number that no other has."""
    proposals = Proposals()
    made = opened(proposals)
    assert made["number"] not in REPOSITORIES[NAME].pulls
    found = ask(proposals, "GET", "pulls?state=open&head=example:staging&base=main")
    assert found
    assert [one["number"] for one in found.body] == [made["number"]]
    assert ask(proposals, "GET", "pulls?state=open&head=example:other&base=main") == Reply(found.status, [])
    changed = ask(proposals, "PATCH", f"pulls/{made['number']}", {"body": "Why not.", "number": 1})
    assert changed
    assert (changed.body["body"], changed.body["number"]) == ("Why not.", made["number"])
    ask(proposals, "PATCH", f"pulls/{made['number']}", {"state": "closed"})
    assert ask(proposals, "GET", "pulls?head=example:staging") == Reply(found.status, [])
    assert opened(proposals)["number"] == made["number"] + 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("pulls", NEW),
        ("pulls", {"title": "No branches"}),
        ("pulls", NEW | {"head": "other", "body": "x" * 65_537}),
        ("pulls", []),
        (SERVE, {}),
        (SERVE, None),
        (SERVE, {"ref": "no-such-branch"}),
    ],
)
def test_what_github_would_refuse_is_refused(path: str, body: Any) -> None:
    """A second one of the same branches, what is not a pull request, and what is too long."""
    proposals = Proposals()
    opened(proposals)
    reply = ask(proposals, "POST", path, body)
    assert reply
    assert reply.status == 422
    assert len(proposals.opened) == 1


def test_the_repository_s_own_pull_requests_are_answered_elsewhere() -> None:
    """As they were before any was opened."""
    proposals = Proposals()
    opened(proposals)
    assert ask(proposals, "GET", "pulls") is None
    assert ask(proposals, "GET", f"pulls/{min(REPOSITORIES[NAME].pulls)}") is None
    assert ask(proposals, "GET", "commits") is None


def test_a_workflow_s_run_is_kept() -> None:
    """With its branch, and no answer but that it was taken; of a workflow that there is."""
    proposals, sent = Proposals(), {"ref": "staging", "inputs": {}}
    assert ask(proposals, "POST", SERVE, sent) == Reply(204, None)  # type: ignore[arg-type]
    unknown = ask(proposals, "POST", "actions/workflows/other.yml/dispatches", sent)
    assert unknown
    assert unknown.status == 404
    assert proposals.dispatches == [{"repository": NAME, "workflow": "serve.yml", "ref": "staging"}]
