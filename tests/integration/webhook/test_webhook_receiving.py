"""The webhook's responses, and the stored deliveries."""

import json
from typing import Any

import pytest

from samples import deliver
from samples.server import LATEST
from steps.serve.policy import PATH
from steps.serve.webhooks import receiver
from tests.support.github import StandIn
from tests.support.waiting import wait_until
from tests.support.webhook.hook import PAYLOAD, SHOP, Hook, Mongo, headers


def drop_field(*path: str) -> bytes:
    """Return the payload without a field."""
    payload = json.loads(PAYLOAD)
    part = payload
    for name in path[:-1]:
        part = part[name]
    del part[path[-1]]
    return json.dumps(payload).encode()


def set_field(value: Any, *path: str) -> bytes:
    """Return the payload with another value in a field."""
    payload = json.loads(PAYLOAD)
    part = payload
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value
    return json.dumps(payload).encode()


def test_a_delivery_is_accepted_and_stored_without_its_texts(hook: Hook, database: Mongo) -> None:
    """Names, numbers and times; neither title nor body nor author."""
    answer = hook.post(PAYLOAD, headers())
    assert (answer.status_code, answer.json()) == (202, {"status": "accepted"})
    pull, kept = json.loads(PAYLOAD)["pull_request"], database.deliveries.find_one({})
    assert kept
    assert (kept["repository"], kept["number"], kept["action"]) == (SHOP, 12, "opened")
    assert (kept["head_sha"], kept["installation"]) == (pull["head"]["sha"], 4)
    assert not {pull["title"], pull["body"], pull["user"]["login"]} & set(map(str, kept.values()))


@pytest.mark.parametrize("action", ["opened", "reopened", "synchronize", "ready_for_review", "edited"])
def test_actions_that_may_change_a_score_are_accepted(hook: Hook, database: Mongo, action: str) -> None:
    """Each such action is queued."""
    answer = hook.send(action=action)
    assert (answer.status_code, answer.json()) == (202, {"status": "accepted"})
    assert database.deliveries.count_documents({"action": action}) == 1


@pytest.mark.parametrize("action", ["labeled", "unlabeled"])
def test_labels_are_said_to_count_only_where_they_mute(hook: Hook, database: Mongo, action: str) -> None:
    """They change no score; the worker finds out whether the repository mutes by them."""
    answer = hook.send(action=action)
    assert (answer.status_code, answer.json()) == (202, {"status": f"ignored, unless {PATH} mutes by labels"})
    assert database.deliveries.count_documents({"action": action}) == 1


@pytest.mark.parametrize(
    ("event", "raw", "status", "said"),
    [
        ("ping", b'{"zen": "Keep it logically awesome."}', 200, "pong"),
        ("issue_comment", PAYLOAD, 202, "ignored"),
        ("pull_request", set_field("closed", "action"), 202, "ignored"),
        ("pull_request", set_field("assigned", "action"), 202, "ignored"),
    ],
)
def test_ignored_events_are_answered_and_not_stored(
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
        deliver.build_headers(PAYLOAD, "another secret", "1")["X-Hub-Signature-256"],
        deliver.build_headers(PAYLOAD, "", "1")["X-Hub-Signature-256"],
    ],
)
def test_a_delivery_without_a_valid_signature_is_refused(hook: Hook, database: Mongo, signature: str | None) -> None:
    """Missing, cut, of another algorithm, by another secret: 401, whatever the body."""
    for raw in (PAYLOAD, b"{", b"\xff"):
        given = {name: value for name, value in headers(PAYLOAD).items() if name != "X-Hub-Signature-256"}
        signed = given | ({} if signature is None else {"X-Hub-Signature-256": signature.encode("latin-1")})
        assert hook.post(raw, signed).status_code == 401  # type: ignore[arg-type]  # bytes go out as they are
    assert database.deliveries.count_documents({}) == 0


@pytest.mark.parametrize("place", [0, 100, len(PAYLOAD) - 1])
def test_one_changed_byte_breaks_the_signature(hook: Hook, place: int) -> None:
    """Anywhere in the body."""
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
        (drop_field("action"), "action"),
        (drop_field("number"), "number"),
        (drop_field("pull_request"), "pull_request"),
        (drop_field("pull_request", "head"), "pull_request.head"),
        (drop_field("repository", "full_name"), "repository.full_name"),
        (set_field(0, "number"), "number"),
        (set_field("12", "number"), "number"),
        (set_field(2**40, "number"), "number"),
        (set_field("../..", "repository", "full_name"), "repository.full_name"),
        (set_field("owner/..", "repository", "full_name"), "repository.full_name"),
        (set_field("owner/name/pulls", "repository", "full_name"), "repository.full_name"),
        (set_field("owner/n\n", "repository", "full_name"), "repository.full_name"),
        (set_field("HEAD", "pull_request", "head", "sha"), "pull_request.head.sha"),
        (set_field("1", "installation", "id"), "installation.id"),
        (set_field({"$gt": ""}, "action"), "action"),
    ],
)
def test_a_signed_body_that_is_not_an_event_is_refused_by_field(
    hook: Hook, database: Mongo, raw: bytes, field: str | None
) -> None:
    """Invalid JSON is 400; JSON that lacks a field is 422 and names it."""
    answer = hook.post(raw, headers(raw))
    problem = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.status_code == problem["status"] == (400 if field is None else 422)
    assert [error["field"] for error in problem["errors"]] == ([] if field is None else [field])
    assert database.deliveries.count_documents({}) == 0


@pytest.mark.parametrize("delivery", [None, "", "a b", "x" * 65, "$where"])
def test_a_delivery_without_an_id_is_refused(hook: Hook, delivery: str | None) -> None:
    """Its redelivery could not be recognised."""
    answer = hook.post(PAYLOAD, headers(X_GitHub_Delivery=delivery))
    assert answer.status_code == 400
    assert "X-GitHub-Delivery" in answer.json()["detail"]


def test_a_delivery_without_an_event_name_is_refused(hook: Hook) -> None:
    """GitHub always sends it."""
    answer = hook.post(PAYLOAD, headers(X_GitHub_Event=None))
    assert (answer.status_code, "X-GitHub-Event" in answer.json()["detail"]) == (400, True)


def test_a_redelivery_is_answered_and_has_no_effect(hook: Hook, database: Mongo, github: StandIn) -> None:
    """Whether it was processed or not, and whatever its content."""
    hook.push(12)
    first = hook.send(12, delivery="one").status_code
    hook.wait_for("one")
    asked = github.stats()["requests"]
    again = [hook.send(12, delivery="one"), hook.send(13, "synchronize", delivery="one")]
    assert (first, *(answer.status_code for answer in again)) == (202, 200, 200)
    assert {answer.json()["status"] for answer in again} == {"already received"}
    assert database.deliveries.count_documents({}) == 1
    hook.deliver(14)  # what was sent later is done, so nothing that was sent before is left
    assert database.deliveries.find_one({"_id": "one"}, {"number": 1, "attempts": 1}) == {
        "_id": "one",
        "number": 12,
        "attempts": 1,
    }
    assert github.stats()["requests"] == asked + 2
    assert len(hook.comments()) == 1


def test_a_failed_delivery_is_retried_when_it_is_redelivered(hook: Hook, github: StandIn, database: Mongo) -> None:
    """A maintainer fixes the cause and clicks *Redeliver* on GitHub."""
    hook.push(12)
    github.control(now="2000-01-01T00:00:00Z")
    hook.send(12, delivery="one")
    assert hook.wait_for("one")["state"] == "failed"
    github.control(now=LATEST)
    assert hook.send(12, delivery="one").status_code == 202
    assert wait_until(lambda: database.deliveries.find_one({"_id": "one", "state": "done"}))
    assert len(hook.comments()) == 1


@pytest.mark.parametrize(("count", "status"), [(0, 202), (1, 413)])
@pytest.mark.parametrize("opening", ["{", "["])
def test_a_delivery_has_a_limited_number_of_objects_and_lists(
    hook: Hook, monkeypatch: pytest.MonkeyPatch, opening: str, count: int, status: int
) -> None:
    """Brackets in texts count too."""
    raw = set_field(opening * 65_536, "pull_request", "body")
    found = sum(map(raw.decode().count, "{["))
    assert found < receiver.MAX_OPENINGS
    monkeypatch.setattr(receiver, "MAX_OPENINGS", found - count)
    answer = hook.post(raw, headers(raw))
    assert answer.status_code == status
    assert count == 0 or f"more than {found - count:,} objects and lists" in answer.json()["detail"]
