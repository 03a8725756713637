"""What the webhook answers, and what it keeps."""

import json
from typing import Any

import pytest

from samples import deliver
from samples.server import LATEST
from tests.integration.conftest import StandIn
from tests.integration.webhook.hook import PAYLOAD, SHOP, Hook, Mongo, eventually, headers


def without(*path: str) -> bytes:
    """The payload without a field."""
    payload = json.loads(PAYLOAD)
    part = payload
    for name in path[:-1]:
        part = part[name]
    del part[path[-1]]
    return json.dumps(payload).encode()


def with_(value: Any, *path: str) -> bytes:
    """The payload with another value in a field."""
    payload = json.loads(PAYLOAD)
    part = payload
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value
    return json.dumps(payload).encode()


def test_a_delivery_is_accepted_and_kept_without_its_texts(hook: Hook, database: Mongo) -> None:
    """Names, numbers and times; neither title nor body nor author."""
    answer = hook.post(PAYLOAD, headers())
    assert (answer.status_code, answer.json()) == (202, {"status": "accepted"})
    pull, kept = json.loads(PAYLOAD)["pull_request"], database.deliveries.find_one({})
    assert kept
    assert (kept["repository"], kept["number"], kept["action"]) == (SHOP, 12, "opened")
    assert (kept["head_sha"], kept["installation"]) == (pull["head"]["sha"], 4)
    assert not {pull["title"], pull["body"], pull["user"]["login"]} & set(map(str, kept.values()))


@pytest.mark.parametrize("action", ["opened", "reopened", "synchronize", "ready_for_review", "edited"])
def test_what_may_change_a_score_is_accepted(hook: Hook, database: Mongo, action: str) -> None:
    """Each such action is kept to be worked on."""
    assert hook.send(action=action).status_code == 202
    assert database.deliveries.count_documents({"action": action}) == 1


@pytest.mark.parametrize(
    ("event", "raw", "status", "said"),
    [
        ("ping", b'{"zen": "Keep it logically awesome."}', 200, "pong"),
        ("push", b"{}", 202, "ignored"),
        ("issue_comment", PAYLOAD, 202, "ignored"),
        ("pull_request", with_("closed", "action"), 202, "ignored"),
        ("pull_request", with_("labeled", "action"), 202, "ignored"),
    ],
)
def test_what_does_not_matter_is_answered_and_not_kept(
    hook: Hook, database: Mongo, event: str, raw: bytes, status: int, said: str
) -> None:
    """GitHub shows them as delivered."""
    answer = hook.post(raw, headers(raw, X_GitHub_Event=event))
    assert answer.status_code == status
    assert said in answer.json()["status"]
    assert database.deliveries.count_documents({}) == 0


RIGHT = headers()["X-Hub-Signature-256"]


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        "sha256=",
        RIGHT[:-1],
        RIGHT + "0",
        RIGHT.upper(),
        RIGHT.removeprefix("sha256="),
        RIGHT.replace("sha256", "sha1"),
        "sha1=" + "0" * 40,
        "sha256=" + "0" * 64,
        "sha256=" + "é" * 64,
        deliver.headers(PAYLOAD, "another secret", "1")["X-Hub-Signature-256"],
        deliver.headers(PAYLOAD, "", "1")["X-Hub-Signature-256"],
    ],
)
def test_without_the_right_signature_nothing_is_read(hook: Hook, database: Mongo, signature: str | None) -> None:
    """Missing, cut, of another algorithm, by another secret: 401, and nothing of the body matters."""
    for raw in (PAYLOAD, b"{", b"\xff"):
        given = {name: value for name, value in headers(PAYLOAD).items() if name != "X-Hub-Signature-256"}
        signed = given | ({} if signature is None else {"X-Hub-Signature-256": signature.encode("latin-1")})
        assert hook.post(raw, signed).status_code == 401  # type: ignore[arg-type]  # bytes go out as they are
    assert database.deliveries.count_documents({}) == 0


@pytest.mark.parametrize("place", [0, 100, len(PAYLOAD) - 1])
def test_one_changed_byte_is_seen(hook: Hook, place: int) -> None:
    """Wherever in the body."""
    changed = bytearray(PAYLOAD)
    changed[place] ^= 1
    assert hook.post(bytes(changed), headers(PAYLOAD)).status_code == 401


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (b"{", None),
        (b"\xff\xfe", None),
        (b"[" * 100_000, None),
        (b"", None),
        (b"[]", ""),
        (b'"opened"', ""),
        (without("action"), "action"),
        (without("number"), "number"),
        (without("pull_request"), "pull_request"),
        (without("pull_request", "head"), "pull_request.head"),
        (without("repository", "full_name"), "repository.full_name"),
        (with_(0, "number"), "number"),
        (with_("12", "number"), "number"),
        (with_(2**40, "number"), "number"),
        (with_("../..", "repository", "full_name"), "repository.full_name"),
        (with_("owner/..", "repository", "full_name"), "repository.full_name"),
        (with_("owner/name/pulls", "repository", "full_name"), "repository.full_name"),
        (with_("owner/n\n", "repository", "full_name"), "repository.full_name"),
        (with_("HEAD", "pull_request", "head", "sha"), "pull_request.head.sha"),
        (with_("1", "installation", "id"), "installation.id"),
        (with_({"$gt": ""}, "action"), "action"),
    ],
)
def test_a_signed_body_that_is_no_event_is_refused_by_its_field(
    hook: Hook, database: Mongo, raw: bytes, field: str | None
) -> None:
    """No JSON is 400; JSON that lacks something is 422 and says what."""
    answer = hook.post(raw, headers(raw))
    problem = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.status_code == problem["status"] == (400 if field is None else 422)
    assert [error["field"] for error in problem["errors"]] == ([] if field is None else [field])
    assert database.deliveries.count_documents({}) == 0


@pytest.mark.parametrize("delivery", [None, "", "a b", "x" * 65, "$where"])
def test_a_delivery_without_an_id_is_refused(hook: Hook, delivery: str | None) -> None:
    """It could not be told from its redelivery."""
    answer = hook.post(PAYLOAD, headers(X_GitHub_Delivery=delivery))
    assert answer.status_code == 400
    assert "X-GitHub-Delivery" in answer.json()["detail"]


def test_an_event_without_a_kind_is_refused(hook: Hook) -> None:
    """GitHub always says which event it is."""
    answer = hook.post(PAYLOAD, headers(X_GitHub_Event=None))
    assert (answer.status_code, "X-GitHub-Event" in answer.json()["detail"]) == (400, True)


def test_a_redelivery_is_answered_and_has_no_second_effect(hook: Hook, database: Mongo, github: StandIn) -> None:
    """Whether its work is done or not, and whatever else it says."""
    hook.shape(12)
    first = hook.send(12, delivery="one").status_code
    hook.ended("one")
    asked = github.stats()["requests"]
    again = [hook.send(12, delivery="one"), hook.send(13, "synchronize", delivery="one")]
    assert (first, *(answer.status_code for answer in again)) == (202, 200, 200)
    assert {answer.json()["status"] for answer in again} == {"already received"}
    assert database.deliveries.count_documents({}) == 1
    hook.happens(14)  # what was sent later is done, so nothing that was sent before is left
    assert database.deliveries.find_one({"_id": "one"}, {"number": 1, "attempts": 1}) == {
        "_id": "one",
        "number": 12,
        "attempts": 1,
    }
    assert github.stats()["requests"] == asked + 2
    assert len(hook.comments()) == 1


def test_a_failed_delivery_is_taken_up_again_when_it_is_redelivered(
    hook: Hook, github: StandIn, database: Mongo
) -> None:
    """A maintainer mends what was wrong and presses the button at GitHub."""
    hook.shape(12)
    github.control(now="2000-01-01T00:00:00Z")
    hook.send(12, delivery="one")
    assert hook.ended("one")["state"] == "failed"
    github.control(now=LATEST)
    assert hook.send(12, delivery="one").status_code == 202
    assert eventually(lambda: database.deliveries.find_one({"_id": "one", "state": "done"}))
    assert len(hook.comments()) == 1
