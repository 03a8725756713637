"""Errors of a step that can't reach Vault; the responses of a real Vault are tested on a cluster."""

import http.server
from collections.abc import Iterator
from pathlib import Path

import pytest

from steps.common import secrets
from steps.common.errors import ConfigurationError, SentinelError, Unavailable
from steps.common.secrets import read_vault
from steps.common.settings import TrackingSettings, load
from tests.support.http_server import serve

NOWHERE = "http://127.0.0.1:1"


@pytest.fixture(autouse=True)
def _in_a_pod(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Set up a token and the template's variables, with few retries."""
    (tmp_path / "token").write_text("hunter2")
    monkeypatch.setattr(secrets, "POD_TOKEN", tmp_path / "token")
    monkeypatch.setattr(secrets, "RETRIES", 1)
    monkeypatch.setenv("VAULT_ROLE", "pr-sentinel-train")
    monkeypatch.setenv("VAULT_SECRET_PATH", "secret/pr-sentinel/train")


@pytest.fixture
def another_service() -> Iterator[str]:
    """A web server that is not Vault."""
    with serve(http.server.CGIHTTPRequestHandler) as server:
        yield f"http://127.0.0.1:{server.server_port}"


@pytest.mark.parametrize("name", ["VAULT_ROLE", "VAULT_SECRET_PATH"])
def test_a_variable_missing_from_the_template_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """VAULT_ADDR alone is not enough."""
    monkeypatch.setenv("VAULT_ADDR", NOWHERE)
    monkeypatch.delenv(name)
    with pytest.raises(ConfigurationError, match=name):
        load(TrackingSettings)


def test_a_missing_pod_token_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Before the login."""
    monkeypatch.setattr(secrets, "POD_TOKEN", tmp_path / "nothing")
    with pytest.raises(ConfigurationError, match="service account token"):
        read_vault(NOWHERE)


def test_an_unreachable_vault_is_a_transient_error() -> None:
    """The error does not show the pod's token."""
    with pytest.raises(Unavailable, match=NOWHERE) as caught:
        read_vault(NOWHERE)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("address", ["vault:8200", "vault.example", "ftp://vault:8200"])
def test_an_invalid_url_is_named(address: str) -> None:
    """A retry would not help."""
    with pytest.raises(ConfigurationError, match=f"VAULT_ADDR is not a valid URL: {address}"):
        read_vault(address)


def test_another_server_at_the_url_is_not_taken_for_vault(another_service: str) -> None:
    """Whatever it returns, the error is one line without a traceback."""
    with pytest.raises(SentinelError, match=another_service) as caught:
        read_vault(another_service)
    assert "hunter2" not in str(caught.value)
