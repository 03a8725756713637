"""A step's secrets from its own path in Vault, by the identity of the pod it runs in."""

import os
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from steps.common.errors import AccessRefused, ConfigurationError, NotFound, Unavailable

SERVICE_ACCOUNT_TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
TIMEOUT_SECONDS = 10


def read_vault(address: str, token_file: Path = SERVICE_ACCOUNT_TOKEN) -> dict[str, Any]:
    """Log in by the Kubernetes method and read the one path in `VAULT_SECRET_PATH` (key-value version 2, `mount/path`).

    Raises:
        ConfigurationError: `VAULT_ROLE`, `VAULT_SECRET_PATH` or the pod's token is missing.
        AccessRefused: Vault does not know the identity, or it may not read the path.
        NotFound: nothing is stored at the path.
        Unavailable: Vault is sealed or does not answer.
    """
    import hvac
    import hvac.exceptions
    import requests

    role, path = _required("VAULT_ROLE"), _required("VAULT_SECRET_PATH")
    mount, _, secret = path.partition("/")
    if not token_file.is_file():
        raise ConfigurationError(
            f"VAULT_ADDR is set, but there is no service account token at {token_file}.",
            advice="Run in a pod with its token mounted, or unset VAULT_ADDR and give the settings by the environment.",
        )
    client = hvac.Client(url=address, timeout=TIMEOUT_SECONDS)
    try:
        client.auth.kubernetes.login(
            role=role,
            jwt=token_file.read_text().strip(),
            mount_point=os.environ.get("VAULT_PATH_AUTH", "kubernetes"),
        )
        answer = client.secrets.kv.v2.read_secret_version(path=secret, mount_point=mount, raise_on_deleted_version=True)
    except (hvac.exceptions.Forbidden, hvac.exceptions.Unauthorized, hvac.exceptions.InvalidRequest) as error:
        raise AccessRefused(
            f"Vault at {address} refuses role {role!r} the path {path!r}: {error}.",
            advice="Check the role's bound service account and its policy.",
        ) from None
    except hvac.exceptions.InvalidPath:
        raise NotFound(
            f"Vault at {address} has nothing at {path!r}.", advice="Write the step's secrets there."
        ) from None
    except (hvac.exceptions.VaultError, requests.RequestException) as error:
        raise Unavailable(
            f"Vault at {address} does not answer as it should: {type(error).__name__}.",
            advice="Check that it is up and unsealed.",
        ) from None
    return dict(answer["data"]["data"])


def _required(name: str) -> str:
    if value := os.environ.get(name):
        return value
    raise ConfigurationError(f"VAULT_ADDR is set, but {name} is not.", advice=f"Set {name} in the step's template.")


class VaultSource(PydanticBaseSettingsSource):
    """Settings from Vault where `VAULT_ADDR` is set; nothing otherwise."""

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        super().__init__(settings_cls)
        address = os.environ.get("VAULT_ADDR")
        self._values = read_vault(address) if address else {}

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return one field's value under its own name."""
        return self._values.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return only what the step's settings declare."""
        return {name: self._values[name] for name in self.settings_cls.model_fields if name in self._values}
