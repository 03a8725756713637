"""Image look-ups over real HTTP, in an open registry and in one that requires a token."""

import hashlib
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar

import pytest
from pydantic import SecretStr

from release import image_registry
from release.settings import ImageSettings
from steps.common.errors import AccessRefused, NotFound, Unavailable
from tests.support.http_server import serve
from tests.support.releases import digest

SERVE = "team/pr-sentinel/serve"


MANIFEST = b'{"config": {}}'
REFERENCE = f"{SERVE}@sha256:{hashlib.sha256(MANIFEST).hexdigest()}"
INDEX = "application/vnd.oci.image.index.v1+json"


class Registry(BaseHTTPRequestHandler):
    """One image by its digest, for whoever brings the token that a user with a password gets; and the tags set.

    A token is for pulling, or for pulling and pushing, as the challenge says.
    """

    tags: ClassVar[dict[str, tuple[str | None, bytes]]] = {}

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name in the base class
        """Say nothing."""

    def do_HEAD(self) -> None:
        """A manifest, by its digest."""
        if self._is_allowed("pull"):
            self._say(200 if self.path == f"/v2/{SERVE}/manifests/{digest(1)}" else 404)

    def do_GET(self) -> None:
        """A token, or a manifest by its digest."""
        if self.path.startswith("/token"):
            known = self.headers.get("Authorization") == "Basic dXNlcjpwYXNzd29yZA=="
            token = json.dumps({"token": self.path.partition("scope=")[2]}).encode()
            self._say(200 if known else 401, content=token)
        elif self._is_allowed("pull"):
            found = self.path == f"/v2/{REFERENCE.replace('@', '/manifests/')}"
            self._say(200 if found else 404, {"Content-Type": INDEX}, MANIFEST if found else b"")

    def do_PUT(self) -> None:
        """Store a manifest under a tag."""
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if self._is_allowed("push"):
            self.tags[self.path] = self.headers["Content-Type"], content
            self._say(201)

    def _is_allowed(self, scope: str) -> bool:
        """Respond with an error unless the request brings a token of the scope."""
        if self.path.startswith("/v2/broken/"):
            self._say(500)
        elif self.headers.get("Authorization") != f"Bearer {scope}":
            address = f"http://{self.headers['Host']}/token"
            self._say(401, {"WWW-Authenticate": f'Bearer realm="{address}",service="here",scope="{scope}"'})
        else:
            return True
        return False

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


def test_an_image_gets_its_digest_as_a_tag(host: str) -> None:
    """The same bytes of the same kind, with a token for pushing."""
    image_registry.anchor_image(f"{host}/{REFERENCE}", settings())
    tag = f"/v2/{REFERENCE.replace('@sha256:', '/manifests/release-')}"
    assert Registry.tags == {tag: (INDEX, MANIFEST)}
    with pytest.raises(NotFound):
        image_registry.anchor_image(f"{host}/{SERVE}@{digest(3)}", settings())
    with pytest.raises(AccessRefused, match="denied access"):
        image_registry.anchor_image(f"{host}/{REFERENCE}", settings("wrong"))
