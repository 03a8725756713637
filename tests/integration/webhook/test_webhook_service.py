"""The service around the webhook: missing settings, expiry, description, and the command that tries it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from local.services import embedded
from samples import deliver
from tests.support.github import StandIn
from tests.support.webhook.app import create
from tests.support.webhook.hook import PAYLOAD, SECRET, SHOP, Hook, Mongo, headers, read_expiry, serving

GITHUB_TIMEOUT_SECONDS = 10.0


def test_without_mongodb_a_delivery_is_refused_before_github_gives_up(
    configured: pytest.MonkeyPatch, github: StandIn, tmp_path: Path
) -> None:
    """GitHub shows the delivery as failed: none is accepted and lost."""
    with embedded.mongo(tmp_path) as uri:
        configured.setenv("MONGO_URI", uri)
        with serving(create()) as address:
            assert send(address).status_code == 202
            with suspend(int((tmp_path / "mongo.lock").read_text())):
                assert_refused_in_time(address)
                assert_refused_in_time(address)
            assert send(address).status_code in (200, 202)  # a refused one may have been stored
    configured.setenv("MONGO_URI", "mongodb://127.0.0.1:1")
    with serving(create()) as address:
        assert_refused_in_time(address)


def send(address: str) -> requests.Response:
    """Deliver the payload."""
    return requests.post(f"{address}/webhook", PAYLOAD, headers=headers(), timeout=GITHUB_TIMEOUT_SECONDS)


@contextmanager
def suspend(process: int) -> Iterator[None]:
    """Suspend a process, which keeps its connections and answers nothing."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def assert_refused_in_time(address: str) -> None:
    """Assert that a delivery is refused in time, with advice."""
    started = time.monotonic()
    answer = send(address)
    assert (answer.status_code, time.monotonic() - started < GITHUB_TIMEOUT_SECONDS) == (503, True)
    assert "redeliver it" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"WEBHOOK_SECRET": ""}, "WEBHOOK_SECRET"),
        ({"WEBHOOK_SECRET": "hunter2", "GITHUB_API_URL": "https://api.github.com"}, "WEBHOOK_SECRET"),
        ({"WEBHOOK_SECRET_PREVIOUS": "hunter2", "GITHUB_API_URL": "https://api.github.com"}, "WEBHOOK_SECRET_PREVIOUS"),
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
def test_a_missing_setting_disables_webhooks_and_is_named(
    configured: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, settings: dict[str, str], named: str
) -> None:
    """The response and the log name the setting, never its value."""
    for name, value in settings.items():
        configured.setenv(name, value)
    with caplog.at_level("INFO"), serving(create()) as address:
        answer = requests.post(f"{address}/webhook", PAYLOAD, headers=headers(), timeout=9)
    assert (answer.status_code, named in answer.json()["detail"]) == (503, True)
    assert named in "".join(f"{record.__dict__}" for record in caplog.records)
    assert "hunter2" not in answer.text + "".join(f"{record.__dict__}" for record in caplog.records)


def test_a_short_secret_is_accepted_from_the_fake_github_with_a_warning(
    configured: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """On a laptop, where nobody else delivers."""
    configured.setenv("WEBHOOK_SECRET", "x")
    with serving(create()) as address:
        signed = deliver.build_headers(PAYLOAD, "x", "one")
        assert requests.post(f"{address}/webhook", PAYLOAD, headers=signed, timeout=9).status_code == 202
    assert "weak secret" in caplog.text


def test_two_secrets_are_accepted_while_a_webhook_gets_a_new_one(configured: pytest.MonkeyPatch) -> None:
    """Signed with either, and with no other."""
    configured.setenv("WEBHOOK_SECRET_PREVIOUS", "the secret that was used before")
    with serving(create()) as address:
        for secret, status in ((SECRET, 202), ("the secret that was used before", 202), ("another secret", 401)):
            signed = deliver.build_headers(PAYLOAD, secret, f"by {len(secret)}".replace(" ", "-"))
            assert requests.post(f"{address}/webhook", PAYLOAD, headers=signed, timeout=9).status_code == status


def test_stored_documents_expire(hook: Hook, database: Mongo) -> None:
    """Deliveries after thirty days, alerts after sixty; nothing is kept without an end."""
    hook.push(additions=5_000)
    assert hook.deliver()["outcome"] == "announced"
    lives = {name: read_expiry(database, name) for name in database.list_collection_names()}
    assert None not in lives.values()
    assert (lives["deliveries"], lives["alerts"]) == (30 * 86_400, 60 * 86_400)


def test_the_webhook_is_described_in_openapi(hook: Hook) -> None:
    """OpenAPI names the headers, the body and every status."""
    operation = requests.get(f"{hook.address}/openapi.json", timeout=9).json()["paths"]["/webhook"]["post"]
    assert {one["name"] for one in operation["parameters"]} == {
        "X-Hub-Signature-256",
        "X-GitHub-Event",
        "X-GitHub-Delivery",
    }
    assert operation["requestBody"]["required"]
    assert set(operation["responses"]) == {"200", "202", "400", "401", "408", "413", "415", "422", "503"}


def test_the_deliver_command_sends_a_signed_delivery(hook: Hook, database: Mongo) -> None:
    """`python -m samples.deliver` signs it, and prints the response."""
    command = [sys.executable, "-m", "samples.deliver", f"{SHOP}#12", "--to", f"{hook.address}/webhook"]
    environment = os.environ | {"WEBHOOK_SECRET": SECRET}
    sent = subprocess.run([*command, "--delivery", "one"], env=environment, capture_output=True, text=True, check=True)
    assert sent.stdout.startswith("one: 202")
    assert hook.wait_for("one")["outcome"] == "standard"
