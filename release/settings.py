"""Settings of the release commands, from the environment; optional unless a command can't do without them."""

from pydantic import Field, SecretStr

from steps.common.settings import StepSettings


class GitSettings(StepSettings):
    """The Git repository; default: `origin` of the working tree."""

    git_remote: str | None = Field(None, description="URL of the Git repository; default: `origin` of the working tree")
    github_token: SecretStr | None = Field(None, description="token that can push")


class GitHubRepoSettings(StepSettings):
    """The GitHub repository for pull requests."""

    github_repository: str = Field(pattern=r"^[\w.-]+/[\w.-]+$", description="`owner/name` of the repository on GitHub")
    github_token: SecretStr = Field(description="token that can push branches and write pull requests")
    github_api_url: str = Field(
        "https://api.github.com", pattern=r"^https?://[^/\s]+(/\S*)?$", description="URL of GitHub's API"
    )


class ClusterSettings(StepSettings):
    """Contexts of kubectl's configuration for each cluster; default: the current one.

    With an Argo CD in each cluster, `argo_cd_context` stays unset. Set the namespaces if one cluster holds both
    environments.
    """

    kubeconfig: str | None = Field(None, description="kubectl's configuration file; default: kubectl's own")
    staging_context: str | None = Field(None, description="context of the staging cluster; default: the current one")
    production_context: str | None = Field(
        None, description="context of the production cluster; default: the current one"
    )
    argo_cd_context: str | None = Field(
        None, description="context of the cluster whose Argo CD has both; default: each environment's own"
    )
    staging_namespace: str = Field("pr-sentinel", description="namespace of staging")
    production_namespace: str = Field("pr-sentinel", description="namespace of production")
    argo_cd_namespace: str = Field("argocd", description="namespace of Argo CD's Applications")


class ImageSettings(StepSettings):
    """Credentials for the container registry; not needed for a public one."""

    registry_username: str | None = Field(None, description="user of the image registry; none for a public one")
    registry_password: SecretStr | None = Field(None, description="password of that user")
    registry_insecure: bool = Field(default=False, description="whether the registry uses plain HTTP")


class SignerSettings(StepSettings):
    """The repository whose workflow signs the images."""

    github_repository: str = Field(pattern=r"^[\w.-]+/[\w.-]+$", description="`owner/name` of the repository on GitHub")
    github_server_url: str = Field("https://github.com", description="URL of GitHub, as signatures name it")
    allow_unsigned: bool = Field(
        default=False, description="whether to take images without a signature; for rehearsals only"
    )


class ModelSettings(StepSettings):
    """The MLflow server with the registered models."""

    mlflow_uri: str | None = Field(None, description="MLflow server of the registry; default: not consulted")
