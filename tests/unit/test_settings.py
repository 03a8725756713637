"""Settings come from the environment or Vault, each step sees its own, and what is missing is named."""

from pathlib import Path

import pytest

from steps.common.errors import AccessRefused, ConfigurationError, Unavailable
from steps.common.secrets import read_vault
from steps.common.settings import FetchSettings, RegisterSettings, StoreSettings, TrackingSettings, load

NOWHERE = "http://127.0.0.1:1"


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MONGO_URI", "MONGO_DB", "GITHUB_TOKEN", "STORE_URL", "MLFLOW_URI", "VAULT_ADDR", "VAULT_ROLE"):
        monkeypatch.delenv(name, raising=False)


def test_every_missing_setting_is_named_at_once() -> None:
    """With where to set it."""
    with pytest.raises(ConfigurationError, match="environment") as caught:
        load(FetchSettings)
    assert {"MONGO_URI", "GITHUB_TOKEN"} <= set(str(caught.value).replace(":", " ").split())


def test_an_empty_setting_is_a_missing_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when a workflow hands on what nobody gave."""
    monkeypatch.setenv("MLFLOW_URI", "")
    with pytest.raises(ConfigurationError, match="MLFLOW_URI"):
        load(TrackingSettings)


def test_a_wrong_value_is_named_but_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """It might be a secret in the wrong place."""
    monkeypatch.setenv("STORE_URL", "hunter2")
    with pytest.raises(ConfigurationError, match="STORE_URL") as caught:
        load(StoreSettings)
    assert "hunter2" not in str(caught.value)


def test_a_secret_does_not_show_in_print(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor in logs that print the settings."""
    monkeypatch.setenv("MONGO_URI", "mongodb://a:hunter2@host")
    monkeypatch.setenv("GITHUB_TOKEN", "hunter2")
    assert "hunter2" not in repr(load(FetchSettings))


def test_a_step_s_settings_hold_no_other_step_s_secrets() -> None:
    """register has no business with GitHub or MongoDB."""
    assert not {"github_token", "mongo_uri"} & set(RegisterSettings.model_fields)
    assert not {"mlflow_uri", "s3_secret_access_key"} & set(FetchSettings.model_fields)


def test_vault_without_a_role_is_a_mistake_in_the_template(monkeypatch: pytest.MonkeyPatch) -> None:
    """VAULT_ADDR alone is not enough."""
    monkeypatch.setenv("VAULT_ADDR", NOWHERE)
    with pytest.raises(ConfigurationError, match="VAULT_ROLE"):
        load(TrackingSettings)


def test_vault_outside_a_pod_says_that_there_is_no_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Rather than failing at the login."""
    monkeypatch.setenv("VAULT_ROLE", "train")
    monkeypatch.setenv("VAULT_SECRET_PATH", "secret/train")
    with pytest.raises(ConfigurationError, match="service account token"):
        read_vault(NOWHERE, tmp_path / "token")


def test_a_vault_that_is_not_there_is_worth_another_try(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And the pod's token shows nowhere."""
    monkeypatch.setenv("VAULT_ROLE", "train")
    monkeypatch.setenv("VAULT_SECRET_PATH", "secret/train")
    (tmp_path / "token").write_text("hunter2")
    with pytest.raises(Unavailable, match=NOWHERE) as caught:
        read_vault(NOWHERE, tmp_path / "token")
    assert not isinstance(caught.value, AccessRefused)
    assert "hunter2" not in str(caught.value)
