"""Settings come from the environment or Vault, each step sees its own, and missing ones are named."""

import pytest

from steps.common.errors import ConfigurationError
from steps.common.settings import (
    FetchSettings,
    RegisterSettings,
    ServeSettings,
    StoreSettings,
    TrackingSettings,
    load,
)


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MONGO_URI", "MONGO_DB", "GITHUB_TOKEN", "STORE_URL", "MLFLOW_URI", "VAULT_ADDR"):
        monkeypatch.delenv(name, raising=False)


def test_every_missing_setting_is_named_at_once() -> None:
    """The error also says where to set it."""
    with pytest.raises(ConfigurationError, match="environment") as caught:
        load(FetchSettings)
    assert {"MONGO_URI", "GITHUB_TOKEN"} <= set(str(caught.value).replace(":", " ").split())


def test_an_empty_setting_counts_as_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A workflow may pass on an unset value as an empty one."""
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
def test_one_release_setting_without_the_other_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise no image would be requested, unnoticed."""
    given = {"STORE_URL": "file:///store", "MLFLOW_URI": "sqlite:///mlflow.db"}
    for each, value in {**given, "RELEASE_REPOSITORY": "owner/name", "RELEASE_TOKEN": "hunter2"}.items():
        monkeypatch.setenv(each, value)
    assert load(RegisterSettings).release_repository == "owner/name"
    monkeypatch.delenv(name)
    with pytest.raises(ConfigurationError, match="RELEASE_REPOSITORY and RELEASE_TOKEN, or neither"):
        load(RegisterSettings)


@pytest.mark.parametrize("blanks", ["\n", "\r\n", " ", "\t", "\ufeff", "\u200b", " \n"])
def test_what_copying_leaves_around_a_value_is_dropped(monkeypatch: pytest.MonkeyPatch, blanks: str) -> None:
    """kubernetes/kubernetes#23404"""
    for name, value in (("GITHUB_TOKEN", "t"), ("MONGO_URI", "mongodb://x"), ("GITHUB_API_URL", "https://g.example")):
        monkeypatch.setenv(name, f"{blanks}{value}{blanks}")
    found = load(FetchSettings)
    secrets = (found.github_token.get_secret_value(), found.mongo_uri.get_secret_value())
    assert (*secrets, found.github_api_url) == ("t", "mongodb://x", "https://g.example")


@pytest.mark.parametrize("value", ["hunter\n2", "hunter\x7f2", "hunter\t2"])
def test_a_control_character_inside_a_secret_is_named_without_it(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """Two lines were copied as one, for example."""
    monkeypatch.setenv("WEBHOOK_SECRET", value)
    with pytest.raises(ConfigurationError, match=r"WEBHOOK_SECRET.*line break") as caught:
        load(ServeSettings)
    assert "hunter" not in str(caught.value)


def test_a_private_key_has_line_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    """They belong to it."""
    monkeypatch.setenv("GITHUB_APP_PRIVATE_KEY", "a\nb\n")
    key = load(ServeSettings).github_app_private_key
    assert key is not None
    assert key.get_secret_value() == "a\nb"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://g.example/", "https://g.example"),
        ("https://g.example/api/v3/", "https://g.example/api/v3"),
        ("https://g.example/api/graphql", "https://g.example/api/v3"),
        ("https://api.github.com/graphql", "https://api.github.com"),
    ],
)
def test_the_url_of_the_api_has_one_form(monkeypatch: pytest.MonkeyPatch, given: str, kept: str) -> None:
    """GitHub Actions has those of REST and of GraphQL side by side."""
    monkeypatch.setenv("GITHUB_API_URL", given)
    assert load(ServeSettings).github_api_url == kept


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (FetchSettings, "GITHUB_API_URL"),
        (RegisterSettings, "GITHUB_API_URL"),
        (ServeSettings, "GITHUB_API_URL"),
        (ServeSettings, "GITHUB_URL"),
        (StoreSettings, "STORE_URL"),
        (StoreSettings, "S3_ENDPOINT_URL"),
    ],
)
@pytest.mark.parametrize("user", ["hunter2@", "somebody:hunter2@", ":hunter2@"])
def test_a_url_with_a_password_is_refused_without_showing_it(
    monkeypatch: pytest.MonkeyPatch, kind: type[FetchSettings], name: str, user: str
) -> None:
    """It would stand in errors and logs."""
    scheme, rest = ("s3", "bucket/x") if name == "STORE_URL" else ("https", "host.example/api/v3")
    monkeypatch.setenv(name, f"{scheme}://{user}{rest}")
    with pytest.raises(ConfigurationError, match=f"{name}: .*a user or a password") as caught:
        load(kind)
    assert "hunter2" not in str(caught.value)


def test_the_url_of_vault_with_a_password_is_refused_without_showing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_ADDR", "https://somebody:hunter2@vault.example:8200")
    with pytest.raises(ConfigurationError, match="VAULT_ADDR contains a user") as caught:
        load(ServeSettings)
    assert "hunter2" not in str(caught.value)


def test_a_secret_is_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Logs may print the settings."""
    monkeypatch.setenv("MONGO_URI", "mongodb://a:hunter2@host")
    monkeypatch.setenv("GITHUB_TOKEN", "hunter2")
    assert "hunter2" not in repr(load(FetchSettings))


def test_a_step_s_settings_hold_no_other_step_s_secrets() -> None:
    """register has no access to MongoDB, nor to GitHub with fetch's token."""
    assert not {"github_token", "mongo_uri"} & set(RegisterSettings.model_fields)
    assert not {"mlflow_uri", "s3_secret_access_key"} & set(FetchSettings.model_fields)
