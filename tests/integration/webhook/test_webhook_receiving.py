"""What the webhook answers, and what it keeps."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from samples import deliver
from samples.server import LATEST
from tests.integration.conftest import StandIn
from tests.integration.webhook.app import create
from tests.integration.webhook.hook import ALL, SECRET, SHOP, Hook, Mongo, eventually, serving
from workflows import embedded

PAYLOAD = json.dumps(deliver.payload(ALL[SHOP], 12, "opened", 4)).encode()


def headers(raw: bytes = PAYLOAD, **changes: str | None) -> dict[str, str]:
    """Right ones, but for what is to be different (None leaves it out)."""
    right = deliver.headers(raw, SECRET, str(uuid.uuid4()))
    given = right | {name.replace("_", "-"): value for name, value in changes.items()}
    return {name: value for name, value in given.items() if value is not None}


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
    assert github.stats()["requests"] == asked + 1
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


def test_without_mongodb_the_answer_says_so_within_a_second(
    configured: pytest.MonkeyPatch, github: StandIn, tmp_path: Path
) -> None:
    """GitHub shows the delivery as failed, so that it can be redelivered: nothing is taken and lost."""
    with embedded.mongo(tmp_path) as uri:
        configured.setenv("MONGO_URI", uri)
        with serving(create()) as address:
            assert send(address).status_code == 202
            with deaf(int((tmp_path / "mongo.lock").read_text())):
                refused_in_time(address)
                refused_in_time(address)
            assert send(address).status_code == 202
    configured.setenv("MONGO_URI", "mongodb://127.0.0.1:1")
    with serving(create()) as address:
        refused_in_time(address)


def send(address: str) -> requests.Response:
    """Deliver the payload."""
    return requests.post(f"{address}/webhook", PAYLOAD, headers=headers(), timeout=9)


@contextmanager
def deaf(process: int) -> Iterator[None]:
    """A process that keeps its connections and answers nothing."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def refused_in_time(address: str) -> None:
    """Whether a delivery is answered soon, by what to do."""
    started = time.monotonic()
    answer = send(address)
    assert (answer.status_code, time.monotonic() - started < 1) == (503, True)
    assert "Redeliver it" in answer.json()["detail"]


def key(bits: int = 2048) -> str:
    """A private key."""
    made = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    return made.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"WEBHOOK_SECRET": ""}, "WEBHOOK_SECRET"),
        ({"MONGO_URI": ""}, "MONGO_URI"),
        ({"MONGO_URI": "nonsense://hunter2"}, "MONGO_URI"),
        ({"WEBHOOK_MODE": "comment", "GITHUB_TOKEN": ""}, "GITHUB_TOKEN"),
        ({"WEBHOOK_MODE": "check"}, "GITHUB_APP_ID"),
        ({"WEBHOOK_MODE": "check", "GITHUB_APP_ID": "7"}, "GITHUB_APP_PRIVATE_KEY"),
        (
            {"WEBHOOK_MODE": "check", "GITHUB_APP_ID": "7", "GITHUB_APP_PRIVATE_KEY": "hunter2"},
            "GITHUB_APP_PRIVATE_KEY",
        ),
    ],
)
def test_a_service_that_lacks_a_setting_takes_nothing_and_names_it(
    configured: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, settings: dict[str, str], named: str
) -> None:
    """Its answer and its log say what to set, never what is set."""
    for name, value in settings.items():
        configured.setenv(name, value)
    with caplog.at_level("INFO"), serving(create()) as address:
        answer = requests.post(f"{address}/webhook", PAYLOAD, headers=headers(), timeout=9)
    assert (answer.status_code, named in answer.json()["detail"]) == (503, True)
    assert named in "".join(f"{record.__dict__}" for record in caplog.records)
    assert "hunter2" not in answer.text + "".join(f"{record.__dict__}" for record in caplog.records)


def test_what_is_kept_ends_by_itself(hook: Hook, database: Mongo) -> None:
    """Deliveries after thirty days, alerts after sixty, openings after two."""
    lives = {
        name: eventually(lambda name=name: _lives(database, name)) for name in ("deliveries", "alerts", "openings")
    }
    assert lives == {"deliveries": 30 * 86_400, "alerts": 60 * 86_400, "openings": 2 * 86_400}


def _lives(database: Mongo, name: str) -> int | None:
    found = [index.get("expireAfterSeconds") for index in database[name].index_information().values()]
    return next((seconds for seconds in found if seconds), None)


def test_the_interface_is_described(hook: Hook) -> None:
    """OpenAPI names the headers, the body and every status."""
    operation = requests.get(f"{hook.address}/openapi.json", timeout=9).json()["paths"]["/webhook"]["post"]
    assert {one["name"] for one in operation["parameters"]} == {
        "X-Hub-Signature-256",
        "X-GitHub-Event",
        "X-GitHub-Delivery",
    }
    assert operation["requestBody"]["required"]
    assert set(operation["responses"]) == {"200", "202", "400", "401", "408", "413", "415", "422", "503"}


def test_the_command_sends_what_github_would(hook: Hook, database: Mongo) -> None:
    """`python -m samples.deliver` signs it, and shows the answer."""
    command = [sys.executable, "-m", "samples.deliver", f"{SHOP}#12", "--to", f"{hook.address}/webhook"]
    environment = os.environ | {"WEBHOOK_SECRET": SECRET}
    sent = subprocess.run([*command, "--delivery", "one"], env=environment, capture_output=True, text=True, check=True)
    assert sent.stdout.startswith("one: 202")
    assert hook.ended("one")["outcome"] == "standard"
