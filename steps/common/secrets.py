"""A step's secrets from its own path in Vault, by the identity of the pod it runs in.

They are read once, when the step starts. The login's token is thrown away then, so nothing needs renewing however long
the step runs; roles give batch tokens, which leave nothing behind in Vault either.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from steps.common.errors import AccessRefused, ConfigurationError, NotFound, Unavailable

POD_TOKEN = Path("/var/run/secrets/vault/token")
"""The pod's own, for nobody but Vault: the template mounts it with that audience."""

TIMEOUT_SECONDS = 10
TRIES_AGAIN = 5
MAY_PASS = (429, 500, 502, 503, 504)
"""Statuses after which it asks again, for some fifteen seconds; then the workflow tries the step again."""


def read_vault(address: str) -> dict[str, Any]:
    """Log in by the Kubernetes method and read the one path in `VAULT_SECRET_PATH` (key-value version 2, `mount/path`).

    Raises:
        ConfigurationError: a setting for Vault or the pod's token is missing, or no Vault is there.
        AccessRefused: the role is not this pod's, or it may not read the path.
        NotFound: nothing is stored at the path.
        Unavailable: Vault is sealed, does not answer, or can't confirm the identity now.
    """
    role, path, jwt = _required("VAULT_ROLE"), _required("VAULT_SECRET_PATH"), _pod_token()
    with _told(address):
        client = _client(address)
        _log_in(client, address, role, jwt)
        return _read(client, address, role, path)


def advice() -> str:
    """Where a person sets what is missing."""
    if os.environ.get("VAULT_ADDR"):
        return f"Put them at {os.environ.get('VAULT_SECRET_PATH')} in Vault, under the same names in lower case."
    return "Set them in the environment, or under the same names in lower case at the step's path in Vault."


def _required(name: str) -> str:
    if value := os.environ.get(name):
        return value
    raise ConfigurationError(f"VAULT_ADDR is set, but {name} is not.", advice=f"Set {name} in the step's template.")


def _pod_token() -> str:
    if not POD_TOKEN.is_file():
        raise ConfigurationError(
            f"VAULT_ADDR is set, but there is no service account token at {POD_TOKEN}.",
            advice="Run in a pod with its token mounted, or unset VAULT_ADDR and give the settings by the environment.",
        )
    return POD_TOKEN.read_text().strip()


def _client(address: str) -> Any:
    import hvac
    from requests.adapters import HTTPAdapter
    from urllib3 import Retry

    client = hvac.Client(url=address, timeout=TIMEOUT_SECONDS)
    retry = Retry(
        TRIES_AGAIN,
        backoff_factor=0.5,
        status_forcelist=MAY_PASS,
        allowed_methods=None,  # any, as a login is a POST
        raise_on_status=False,
    )
    for scheme in ("http://", "https://"):
        client.session.mount(scheme, HTTPAdapter(max_retries=retry))
    return client


def _log_in(client: Any, address: str, role: str, jwt: str) -> None:
    from hvac.exceptions import Forbidden, InvalidRequest

    method = os.environ.get("VAULT_PATH_AUTH", "kubernetes")
    try:
        client.auth.kubernetes.login(role=role, jwt=jwt, mount_point=method)
    except (Forbidden, InvalidRequest) as error:
        if (why := _words(error)) == "permission denied":
            # All it says where Kubernetes does not know the token, or was not to be asked just now.
            raise Unavailable(
                f"Vault at {address} can't confirm this pod's identity by auth/{method}.",
                advice="Check that the method is enabled there, and that Vault may have Kubernetes review tokens.",
            ) from None
        raise AccessRefused(
            f"Vault at {address} refuses this pod the role {role!r}: {why}.",
            advice="Check VAULT_ROLE, and which service account, namespace and audience the role is bound to.",
        ) from None


def _read(client: Any, address: str, role: str, path: str) -> dict[str, Any]:
    from hvac.exceptions import Forbidden, InvalidPath

    mount, _, secret = path.partition("/")
    try:
        answer = client.secrets.kv.v2.read_secret_version(path=secret, mount_point=mount, raise_on_deleted_version=True)
    except Forbidden as error:
        if "invalid token" in _words(error):
            raise Unavailable(
                f"Vault at {address} ended the login of {role!r} before its secrets were read.",
                advice="Run it again; if it goes on, look at the role's token_ttl.",
            ) from None
        raise AccessRefused(
            f"Vault at {address} refuses role {role!r} the path {path!r}.",
            advice="Check VAULT_SECRET_PATH and the role's policy.",
        ) from None
    except InvalidPath:
        raise NotFound(
            f"Vault at {address} has nothing at {path!r}.", advice="Write the step's secrets there."
        ) from None
    return dict(answer["data"]["data"])


@contextmanager
def _told(address: str) -> Iterator[None]:
    """Tell what has nothing to do with roles and paths."""
    from hvac.exceptions import InvalidPath, Unauthorized, VaultError
    from requests.exceptions import InvalidSchema, InvalidURL, MissingSchema, RequestException, SSLError

    try:
        yield
    except (InvalidSchema, InvalidURL, MissingSchema):
        raise ConfigurationError(
            f"VAULT_ADDR is no address: {address}.", advice="It has the form https://host:8200."
        ) from None
    except SSLError:
        raise ConfigurationError(
            f"The certificate of Vault at {address} is not trusted.", advice="Name the file of its CA in VAULT_CACERT."
        ) from None
    except (InvalidPath, Unauthorized, KeyError, TypeError):
        raise ConfigurationError(f"What answers at {address} is no Vault.", advice="Correct VAULT_ADDR.") from None
    except (VaultError, RequestException) as error:
        raise Unavailable(
            f"Vault at {address} does not answer as it should: {_words(error)}.",
            advice="Check that it is up and unsealed.",
        ) from None


def _words(error: Exception) -> str:
    """What Vault says, or what kind of failure it was where Vault says nothing."""
    return ", ".join(getattr(error, "errors", None) or [type(error).__name__])


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
        """Return only what the step's settings declare; an empty value is a missing one."""
        return {
            name: self._values[name]
            for name in self.settings_cls.model_fields
            if self._values.get(name) not in (None, "")
        }
