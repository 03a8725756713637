"""Settings, read once from the environment and, if configured, from Vault; each step sees only its own."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from steps.common.errors import ConfigurationError
from steps.common.repository_name import RepositoryName
from steps.common.secrets import VaultSource, format_advice

BLANKS = " \t\r\n\v\f\u00a0\u200b\ufeff"
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
MULTILINE = frozenset({"github_app_private_key", "model_signing_key"})
"""Secrets of several lines."""
USER_INFO = re.compile(r"[A-Za-z][\w+.-]*://[^/\s]*@")
WITH_USER_INFO = frozenset({"mlflow_uri", "git_remote"})
"""URLs that may contain a user and a password; they are shown without. Errors and logs show others as they are."""


def _strip_slashes(url: Any) -> Any:
    return url.rstrip("/") if isinstance(url, str) else url


def _strip_graphql(url: Any) -> Any:
    """Return the URL of REST where that of GraphQL is given: GitHub Actions has both, side by side."""
    plain = _strip_slashes(url)
    if not isinstance(plain, str):
        return url
    return f"{base}/api/v3" if (base := plain.removesuffix("/api/graphql")) != plain else plain.removesuffix("/graphql")


ApiUrl = Annotated[str, BeforeValidator(_strip_graphql)]


class StepSettings(BaseSettings):
    """The base of every step's settings: the environment first, then the step's own path in Vault."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_ignore_empty=True)

    @field_validator("*", mode="before")
    @classmethod
    def _strip(cls, value: Any, info: ValidationInfo) -> Any:
        """Drop what copying leaves around a value: line ends, blanks, a byte order mark; refuse it inside a secret."""
        secret = isinstance(value, SecretStr)
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if not isinstance(text, str):
            return value
        stripped = text.strip(BLANKS)
        if not stripped and text:
            return None  # blanks alone are not a value
        is_secret = secret or "SecretStr" in str(cls.model_fields[str(info.field_name)].annotation)
        if is_secret and info.field_name not in MULTILINE and CONTROL.search(stripped):
            raise ValueError("contains a line break or another control character")
        if not is_secret and info.field_name not in WITH_USER_INFO and USER_INFO.match(stripped):
            raise ValueError("contains a user or a password; there are other settings for these")
        return SecretStr(stripped) if secret else stripped

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources in order of precedence: arguments, the environment, Vault."""
        return init_settings, env_settings, VaultSource(settings_cls)


class MongoSettings(StepSettings):
    """Settings of the database of documents."""

    mongo_uri: SecretStr = Field(description="connection string of MongoDB")
    mongo_db: str = Field("pr_sentinel", description="database of the documents, predictions and deliveries")


class StoreSettings(StepSettings):
    """Settings of the store of datasets: `s3://bucket/prefix` or `file:///folder`."""

    store_url: str = Field(pattern=r"^(s3://[^/]+|file:///)", description="`s3://bucket/prefix` or `file:///folder`")
    s3_endpoint_url: str | None = Field(None, description="URL of an S3-compatible store; default: AWS")
    s3_access_key_id: SecretStr | None = Field(None, description="access key of the store")
    s3_secret_access_key: SecretStr | None = Field(None, description="secret key of the store")


class TrackingSettings(StepSettings):
    """Settings of MLflow, for runs and registered models: a server's URL, or `sqlite:///file` on one machine."""

    mlflow_uri: str = Field(description="tracking URI: an MLflow server, or `sqlite:///file`")
    mlflow_artifacts: str | None = Field(
        default=None, description="artifact location of a new experiment; default: the server's own"
    )
    git_commit: str = Field("unknown", description="commit that runs record")


class GitHubSettings(StepSettings):
    """Settings of GitHub's API; those of `discover`."""

    github_token: SecretStr = Field(description="token that can read the repositories")
    github_api_url: ApiUrl = Field(
        "https://api.github.com",
        pattern=r"^https?://[^/\s]+(/\S*)?$",
        description="URL of GitHub's API; `https://HOST/api/v3` of a GitHub Enterprise Server",
    )


class FetchSettings(MongoSettings, GitHubSettings):
    """The settings of `fetch`."""


class PreprocessSettings(MongoSettings, StoreSettings):
    """The settings of `preprocess`."""


class TrainSettings(StoreSettings, TrackingSettings):
    """The settings of `train`."""

    workflow_name: str | None = Field(None, description="workflow that the run and traces record; the templates set it")


class RegisterSettings(StoreSettings, TrackingSettings):
    """The settings of `register`; the two for releases are set both or not at all."""

    github_api_url: ApiUrl = Field(
        GitHubSettings.model_fields["github_api_url"].default, description="URL of GitHub's API"
    )
    release_repository: RepositoryName | None = Field(
        default=None,
        description="`owner/name` whose workflow builds the image of a new champion",
    )
    release_token: SecretStr | None = Field(
        default=None,
        validate_default=True,
        description="token with *Actions: write* on that repository and no other permission",
    )

    model_signing_key: SecretStr | None = Field(
        None, description="private key that signs models, PEM, of an elliptic curve; without it they are unsigned"
    )

    @field_validator("release_token")
    @classmethod
    def _require_both(cls, token: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if (token is None) != (info.data.get("release_repository") is None):
            raise ValueError("set RELEASE_REPOSITORY and RELEASE_TOKEN, or neither")
        return token


class MonitorSettings(MongoSettings, StoreSettings, TrackingSettings):
    """The settings of `monitor`."""


class SignatureSettings(StepSettings):
    """Settings of the signatures of models: those of the service, and of a release's checks."""

    model_public_key: str | None = Field(
        None,
        description="public key of `MODEL_SIGNING_KEY`, PEM; several while keys change. With it, models must be signed",
    )
    model_signature: Literal["optional", "required"] = Field(
        "optional", description="`required`: refuse to start without `MODEL_PUBLIC_KEY`"
    )


class ServeSettings(SignatureSettings):
    """The settings of the service; everything that it can do without is optional."""

    model_dir: Path = Field(Path(__file__).resolve().parents[2] / "model", description="folder of the model artefact")
    mongo_uri: SecretStr | None = Field(
        None, description="MongoDB with the histories; also keeps predictions and deliveries"
    )
    mongo_db: str = Field(MongoSettings.model_fields["mongo_db"].default, description="database in it")
    github_token: SecretStr | None = Field(None, description="token for `/score_url` and for comments")
    github_api_url: ApiUrl = Field(
        GitHubSettings.model_fields["github_api_url"].default, description="URL of GitHub's API"
    )
    github_url: Annotated[str, BeforeValidator(_strip_slashes)] = Field(
        "https://github.com", pattern=r"^https?://[^/\s]+$", description="URL of GitHub's pages, for `/score_url`"
    )
    github_app_id: str | None = Field(None, description="id of the GitHub App that creates check runs")
    github_app_private_key: SecretStr | None = Field(None, description="private key of that App, PEM")
    webhook_secret: SecretStr | None = Field(
        None, description="secret of the webhook, at least 20 characters; without it there is no webhook"
    )
    webhook_secret_previous: SecretStr | None = Field(
        None, description="secret that is accepted too, while the webhooks get a new one"
    )
    webhook_mode: Literal["record", "comment", "check"] = Field("record", description="how alerts are published")
    webhook_weekly_alerts: int = Field(
        5,
        ge=0,
        description="most alerts for one repository in one week, unless its file sets another number; 0: none at all",
    )
    sentry_dsn: SecretStr | None = Field(None, description="DSN of Sentry, for unexpected errors")


STEP_SETTINGS: dict[str, type[StepSettings]] = {
    "fetch": FetchSettings,
    "preprocess": PreprocessSettings,
    "train": TrainSettings,
    "register": RegisterSettings,
    "monitor": MonitorSettings,
}
"""The settings of the steps, by their role; `discover` has the role of fetch, and `conclude` that of register."""


AnySettings = TypeVar("AnySettings", bound=StepSettings)


def load(kind: type[AnySettings]) -> AnySettings:
    """Read the settings of one step.

    Raises:
        ConfigurationError: settings are missing or invalid; the error names every one, and no value.
    """
    try:
        return kind()
    except ValidationError as error:
        wrong = {str(item["loc"][0]).upper(): item["msg"] for item in error.errors(include_input=False)}
        listed = "; ".join(f"{name}: {message}" for name, message in wrong.items())
        raise ConfigurationError(f"Invalid settings: {listed}.", advice=format_advice()) from None
