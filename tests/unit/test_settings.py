"""Settings come from the environment (or Vault), each step sees its own, and what is missing is named."""

import pytest

from steps.common.errors import ConfigurationError
from steps.common.settings import FetchSettings, RegisterSettings, StoreSettings, TrackingSettings, load


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MONGO_URI", "MONGO_DB", "GITHUB_TOKEN", "STORE_URL", "MLFLOW_URI", "VAULT_ADDR"):
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


@pytest.mark.parametrize("name", ["RELEASE_REPOSITORY", "RELEASE_TOKEN"])
def test_a_setting_that_needs_another_is_refused_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else nobody would be asked, and nobody would notice."""
    given = {"STORE_URL": "file:///store", "MLFLOW_URI": "sqlite:///mlflow.db"}
    for each, value in {**given, "RELEASE_REPOSITORY": "owner/name", "RELEASE_TOKEN": "hunter2"}.items():
        monkeypatch.setenv(each, value)
    assert load(RegisterSettings).release_repository == "owner/name"
    monkeypatch.delenv(name)
    with pytest.raises(ConfigurationError, match="RELEASE_REPOSITORY and RELEASE_TOKEN, or neither"):
        load(RegisterSettings)


def test_a_secret_does_not_show_in_print(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor in logs that print the settings."""
    monkeypatch.setenv("MONGO_URI", "mongodb://a:hunter2@host")
    monkeypatch.setenv("GITHUB_TOKEN", "hunter2")
    assert "hunter2" not in repr(load(FetchSettings))


def test_a_step_s_settings_hold_no_other_step_s_secrets() -> None:
    """register has no business with MongoDB, nor with what fetch may see of GitHub."""
    assert not {"github_token", "mongo_uri"} & set(RegisterSettings.model_fields)
    assert not {"mlflow_uri", "s3_secret_access_key"} & set(FetchSettings.model_fields)
