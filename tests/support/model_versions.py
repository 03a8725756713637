"""The versions of the model in a registry, and their aliases."""

from mlflow import MlflowClient

from steps.common.registry import CHAMPION, PRODUCTION

NAME = "pr-sentinel"


def aliases(client: MlflowClient) -> dict[str, str]:
    """The number that each alias names."""
    return {name: str(number) for name, number in client.get_registered_model(NAME).aliases.items()}


def champion(client: MlflowClient) -> str:
    """The number of the champion's version."""
    return aliases(client)[CHAMPION]


def recorded(client: MlflowClient) -> str:
    """The number of the version that is recorded as production's."""
    return aliases(client)[PRODUCTION]
