"""A step's secrets from its own path in Vault, read with the identity of the pod that it runs in.

They are read once, when the step starts. The login's token is not kept, so nothing has to be renewed however long the
step runs; roles issue batch tokens, which Vault does not store either.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from urllib.parse import urlsplit

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from steps.common.errors import AccessRefused, ConfigurationError, NotFound, Unavailable

PLAIN_HTTP = "VAULT_PLAIN_HTTP"
"""The setting that allows plain HTTP to Vault, by the word `allowed`; a trial's settings have it."""

AUTHORITY = "VAULT_CACERT_BYTES"
"""The certificates of a private authority, as text; other programs of Vault know it by this name too."""

PLACEHOLDERS = (".invalid", ".example", ".example.com", ".example.net", ".example.org")
"""Ends of names that nobody can own: those of documents, and of settings that have to be written."""

POD_TOKEN = Path("/var/run/secrets/vault/token")
"""The pod's token for Vault alone: the template mounts it with that audience."""

TIMEOUT_SECONDS = 10
RETRIES = 5
RETRYABLE_STATUSES = (429, 500, 502, 503, 504)
"""Statuses that are retried for about fifteen seconds; after that the workflow retries the step."""


def read_vault(address: str) -> dict[str, Any]:
    """Log in by the Kubernetes method and read the one path in `VAULT_SECRET_PATH` (key-value version 2, `mount/path`).

    Raises:
        ConfigurationError: a setting for Vault or the pod's token is missing, the address is a placeholder or not
            encrypted, or the server is not Vault.
        AccessRefused: the role is not bound to this pod, or may not read the path.
        NotFound: nothing is stored at the path.
        Unavailable: Vault is sealed, does not answer, or can't verify the identity now.
    """
    role, path, jwt = _require_variable("VAULT_ROLE"), _require_variable("VAULT_SECRET_PATH"), _read_pod_token()
    check_address(address)
    with _translate_errors(address), _write_authority() as authority:
        client = _create_client(address, authority)
        _log_in(client, address, role, jwt)
        return _read(client, address, role, path)


def check_address(address: str) -> None:
    """Check that an address is not a placeholder, and that what is sent there is encrypted or may be sent without.

    Raises:
        ConfigurationError: it is a placeholder, or plain HTTP to another machine without `VAULT_PLAIN_HTTP`.
    """
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        raise _invalid_url(address) from None
    if parts.scheme in ("http", "https") and f".{host}".endswith(PLACEHOLDERS):
        raise ConfigurationError(
            f"VAULT_ADDR is a placeholder: {address}.",
            advice="Write your Vault's address into the cluster's settings.yaml, or with a cloud into vault_address; "
            "for a trial, add the component trial.",
        )
    if parts.scheme == "http" and not _is_this_machine(host) and os.environ.get(PLAIN_HTTP) != "allowed":
        raise ConfigurationError(
            f"The connection to Vault at {address} is not encrypted.",
            advice=f"Use https://, or set {PLAIN_HTTP}=allowed for a trial.",
        )


def format_advice() -> str:
    """Return where to set missing settings."""
    if os.environ.get("VAULT_ADDR"):
        return f"Set them at {os.environ.get('VAULT_SECRET_PATH')} in Vault, under the same names in lower case."
    return "Set them in the environment, or under the same names in lower case at the step's path in Vault."


def _require_variable(name: str) -> str:
    if value := os.environ.get(name):
        return value
    raise ConfigurationError(f"VAULT_ADDR is set, but {name} is not.", advice=f"Set {name} in the step's template.")


def _read_pod_token() -> str:
    if not POD_TOKEN.is_file():
        raise ConfigurationError(
            f"VAULT_ADDR is set, but there is no service account token at {POD_TOKEN}.",
            advice="Run in a pod with that token mounted, or unset VAULT_ADDR and set the settings in the environment.",
        )
    return POD_TOKEN.read_text().strip()


def _is_https(address: str) -> bool:
    return urlsplit(address).scheme == "https"


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _invalid_url(address: str) -> ConfigurationError:
    return ConfigurationError(f"VAULT_ADDR is not a valid URL: {address}.", advice="It has the form https://host:8200.")


@contextmanager
def _write_authority() -> Iterator[str | None]:
    """Yield the file of the private authority in the settings, or None to trust what is trusted anyway."""
    text = os.environ.get(AUTHORITY)
    if not text:
        yield None
        return
    with NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(text)
        file.flush()
        yield file.name


def _create_client(address: str, authority: str | None) -> Any:
    import hvac
    from requests.adapters import HTTPAdapter
    from urllib3 import Retry

    client = hvac.Client(url=address, timeout=TIMEOUT_SECONDS, verify=authority)
    retry = Retry(
        RETRIES,
        backoff_factor=0.5,
        status_forcelist=RETRYABLE_STATUSES,
        allowed_methods=None,  # any, as a login is a POST
        raise_on_status=False,
    )
    client.session.adapters.clear()  # so that no redirection leads from HTTPS to plain HTTP
    for scheme in ("https://",) if _is_https(address) else ("http://", "https://"):
        client.session.mount(scheme, HTTPAdapter(max_retries=retry))
    return client


def _log_in(client: Any, address: str, role: str, jwt: str) -> None:
    from hvac.exceptions import Forbidden, InvalidRequest

    method = os.environ.get("VAULT_PATH_AUTH", "kubernetes")
    try:
        client.auth.kubernetes.login(role=role, jwt=jwt, mount_point=method)
    except (Forbidden, InvalidRequest) as error:
        if (reason := _format_error(error)) == "permission denied":
            # Vault says no more if Kubernetes does not know the token or can't be reached.
            raise Unavailable(
                f"Vault at {address} can't verify this pod's identity with auth/{method}.",
                advice="Check that the method is enabled, and that Vault may use Kubernetes' TokenReview API.",
            ) from None
        raise AccessRefused(
            f"Vault at {address} refuses this pod the role {role!r}: {reason}.",
            advice="Check VAULT_ROLE, and the service account, namespace and audience that the role is bound to.",
        ) from None


def _read(client: Any, address: str, role: str, path: str) -> dict[str, Any]:
    from hvac.exceptions import Forbidden, InvalidPath

    mount, _, secret = path.partition("/")
    try:
        response = client.secrets.kv.v2.read_secret_version(
            path=secret, mount_point=mount, raise_on_deleted_version=True
        )
    except Forbidden as error:
        if "invalid token" in _format_error(error):
            raise Unavailable(
                f"Vault at {address} ended the login of {role!r} before its secrets were read.",
                advice="Run it again; if it persists, check the role's token_ttl.",
            ) from None
        raise AccessRefused(
            f"Vault at {address} refuses the role {role!r} access to {path!r}.",
            advice="Check VAULT_SECRET_PATH and the role's policy.",
        ) from None
    except InvalidPath:
        raise NotFound(
            f"Vault at {address} has no secret at {path!r}.", advice="Store the step's secrets there."
        ) from None
    return dict(response["data"]["data"])


@contextmanager
def _translate_errors(address: str) -> Iterator[None]:
    """Translate hvac's exceptions that have nothing to do with roles and paths."""
    from hvac.exceptions import InvalidPath, Unauthorized, VaultError
    from requests.exceptions import InvalidSchema, InvalidURL, MissingSchema, RequestException, SSLError

    try:
        yield
    except (InvalidSchema, InvalidURL, MissingSchema) as error:
        if isinstance(error, InvalidSchema) and _is_https(address):
            raise ConfigurationError(
                f"Vault at {address} leads to an address without HTTPS.", advice="Correct api_addr of Vault's servers."
            ) from None
        raise _invalid_url(address) from None
    except SSLError:
        raise ConfigurationError(
            f"The certificate of Vault at {address} is not trusted.",
            advice="Set VAULT_CACERT_BYTES to the text of its CA's certificate, or VAULT_CACERT to its file.",
        ) from None
    except (InvalidPath, Unauthorized, KeyError, TypeError):
        raise ConfigurationError(f"The server at {address} is not Vault.", advice="Correct VAULT_ADDR.") from None
    except (VaultError, RequestException) as error:
        raise Unavailable(
            f"Vault at {address} does not answer properly: {_format_error(error)}.",
            advice="Check that it is up and unsealed.",
        ) from None


def _format_error(error: Exception) -> str:
    """Return Vault's own messages, or the kind of the exception if there are none."""
    return ", ".join(getattr(error, "errors", None) or [type(error).__name__])


class VaultSource(PydanticBaseSettingsSource):
    """Settings from Vault if `VAULT_ADDR` is set; otherwise none."""

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        super().__init__(settings_cls)
        address = os.environ.get("VAULT_ADDR")
        if address and "@" in urlsplit(address).netloc:
            raise ConfigurationError("VAULT_ADDR contains a user or a password.", advice="Use the URL alone.")
        self._values = read_vault(address) if address else {}

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return a field's value and its name."""
        return self._values.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return the values that the step's settings declare; an empty value counts as missing."""
        return {
            name: self._values[name]
            for name in self.settings_cls.model_fields
            if self._values.get(name) not in (None, "")
        }
