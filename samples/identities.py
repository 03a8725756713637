"""The fake server's clients: a user with any token, the App with its JWT, an installation with its token."""

import secrets
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

import jwt

MAX_JWT_SECONDS = 660  # ten minutes, and the minute that clocks may differ
TOKEN_HOURS = 1
MAX_TOKENS = 1_000


class Identity(NamedTuple):
    """The client of a request."""

    kind: Literal["user", "app", "installation"]
    login: str
    id: int

    def to_account(self) -> dict[str, Any]:
        """Return the account as GitHub shows it."""
        return {"login": self.login, "id": self.id, "type": "User" if self.kind == "user" else "Bot"}


class App(NamedTuple):
    """The only GitHub App."""

    id: int
    public_key: str
    installations: tuple[int, ...] = (1,)


class IdentityRegistry:
    """Identifies clients by the `Authorization` header."""

    def __init__(self) -> None:
        self.app: App | None = None
        self._tokens: dict[str, datetime] = {}

    def identify(self, authorization: str) -> Identity | None:
        """Return the client, or None if access is denied."""
        _, _, token = authorization.partition(" ")
        if not token or token.startswith("bad"):
            return None
        if token.startswith("ghs_"):
            until = self._tokens.get(token)
            return self._as_app("installation") if until and until > datetime.now(UTC) else None
        if token.count(".") == 2:  # noqa: PLR2004 - head, content and signature of a JWT
            return self._as_app("app") if self.app and _is_signed(token, self.app) else None
        place = zlib.crc32(token.encode())
        return Identity("user", f"user-{place:08x}", place)

    def _as_app(self, kind: Literal["app", "installation"]) -> Identity | None:
        return Identity(kind, "pr-sentinel[bot]", self.app.id) if self.app else None

    def issue(self, installation: int) -> dict[str, Any] | None:
        """Issue a token for an installation, or return None if it does not exist."""
        if self.app is None or installation not in self.app.installations or len(self._tokens) >= MAX_TOKENS:
            return None
        token, until = f"ghs_{secrets.token_hex(16)}", datetime.now(UTC) + timedelta(hours=TOKEN_HOURS)
        self._tokens[token] = until
        permissions = {"checks": "write", "pull_requests": "read", "metadata": "read"}
        return {"token": token, "expires_at": f"{until:%Y-%m-%dT%H:%M:%SZ}", "permissions": permissions}

    def count_issued(self) -> int:
        """Return the number of tokens issued."""
        return len(self._tokens)


def _is_signed(token: str, app: App) -> bool:
    """Return whether the App's key signed the token, and its lifetime is valid."""
    try:
        claims = jwt.decode(
            token,
            app.public_key,
            algorithms=["RS256"],
            issuer=str(app.id),
            options={"require": ["iat", "exp", "iss"]},
        )
    except (jwt.PyJWTError, ValueError):
        return False
    return bool(claims["exp"] - claims["iat"] <= MAX_JWT_SECONDS)
