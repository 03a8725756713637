"""Image look-ups over real HTTP, in an open registry and in one that requires a token."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from pydantic import SecretStr

from release import image_registry
from release.settings import ImageSettings
from steps.common.errors import AccessRefused, NotFound, Unavailable
from tests.support.http_server import serve
from tests.support.releases import digest

SERVE = "team/pr-sentinel/serve"


class Registry(BaseHTTPRequestHandler):
    """One image by its digest, shown to whoever brings the token that it gives to a user with a password."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name in the base class
        """Say nothing."""

    def do_HEAD(self) -> None:
        """A manifest, by its digest."""
        if self.path.startswith("/v2/broken/"):
            return self._say(500)
        if self.headers.get("Authorization") != "Bearer a-token":
            address = f"http://{self.headers['Host']}/token"
            return self._say(401, {"WWW-Authenticate": f'Bearer realm="{address}",service="here",scope="pull"'})
        return self._say(200 if self.path == f"/v2/{SERVE}/manifests/{digest(1)}" else 404)

    def do_GET(self) -> None:
        """A token."""
        known = self.headers.get("Authorization") == "Basic dXNlcjpwYXNzd29yZA=="
        self._say(200 if known and "scope=pull" in self.path else 401, content=b'{"token": "a-token"}')

    def _say(self, status: int, headers: dict[str, str] | None = None, content: bytes = b"") -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    with serve(Registry) as server:
        yield f"127.0.0.1:{server.server_port}"


def settings(password: str | None = "password") -> ImageSettings:  # noqa: S107
    secret = SecretStr(password) if password else None
    return ImageSettings(registry_username="user", registry_password=secret, registry_insecure=True)


def test_an_image_that_is_there_passes(host: str) -> None:
    """With the token that the registry asks for."""
    image_registry.check_image(f"{host}/{SERVE}@{digest(1)}", settings())


def test_what_is_not_there_is_refused(host: str) -> None:
    """Another digest, another name, another user, none, and a registry that fails or is away: each in its words."""
    with pytest.raises(NotFound, match="is no longer in the registry"):
        image_registry.check_image(f"{host}/{SERVE}@{digest(2)}", settings())
    with pytest.raises(NotFound, match="is no longer in the registry"):
        image_registry.check_image(f"{host}/team/other@{digest(1)}", settings())
    for password in ("wrong", None):
        with pytest.raises(AccessRefused, match="denied access") as refused:
            image_registry.check_image(f"{host}/{SERVE}@{digest(1)}", settings(password))
        assert "wrong" not in str(refused.value)
    with pytest.raises(Unavailable, match="returned 500"):
        image_registry.check_image(f"{host}/broken/a@{digest(1)}", settings())
    with pytest.raises(Unavailable, match="does not respond"):
        image_registry.check_image(f"127.0.0.1:1/{SERVE}@{digest(1)}", settings())
