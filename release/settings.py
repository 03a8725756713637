"""What the release commands may be told by the environment; all that a command can do without is optional."""

from pydantic import Field, SecretStr

from steps.common.settings import StepSettings


class GitSettings(StepSettings):
    """Where the repository is; `origin` of the working tree unless said otherwise."""

    git_remote: str | None = None
    github_token: SecretStr | None = None


class HubSettings(StepSettings):
    """Where pull requests are."""

    github_repository: str = Field(pattern=r"^[\w.-]+/[\w.-]+$")
    github_token: SecretStr
    github_api_url: str = Field("https://api.github.com", pattern=r"^https?://[^/\s]+(/\S*)?$")


class ClusterSettings(StepSettings):
    """How kubectl reaches the clusters: contexts of its configuration, the current one unless said otherwise.

    The namespaces differ where one cluster holds both.
    """

    kubeconfig: str | None = None
    staging_context: str | None = None
    production_context: str | None = None
    argo_cd_context: str | None = None
    staging_namespace: str = "pr-sentinel"
    production_namespace: str = "pr-sentinel"
    argo_cd_namespace: str = "argocd"


class ImageSettings(StepSettings):
    """Who reads images from their registry; nobody, where it is public."""

    registry_username: str | None = None
    registry_password: SecretStr | None = None
    registry_insecure: bool = Field(default=False, description="whether it speaks plain HTTP")


class ModelSettings(StepSettings):
    """Where registered models are."""

    mlflow_uri: str | None = None
