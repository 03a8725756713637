"""Who asks the stand-in: a user by any token, the GitHub App by its JWT, or an installation by a token it was given."""

import secrets
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

import jwt

LONGEST_JWT_SECONDS = 660  # ten minutes, and the minute that clocks may differ
TOKEN_HOURS = 1
MOST_TOKENS = 1_000


class Identity(NamedTuple):
    """Who asks."""

    kind: Literal["user", "app", "installation"]
    login: str
    id: int

    def shown(self) -> dict[str, Any]:
        """As GitHub shows an account."""
        return {"login": self.login, "id": self.id, "type": "User" if self.kind == "user" else "Bot"}


class App(NamedTuple):
    """The one GitHub App there is."""

    id: int
    public_key: str
    installations: tuple[int, ...] = (1,)


class Identities:
    """Tells identities by the `Authorization` header."""

    def __init__(self) -> None:
        self.app: App | None = None
        self._tokens: dict[str, datetime] = {}

    def of(self, authorization: str) -> Identity | None:
        """Who it is; None for nobody who may ask."""
        _, _, token = authorization.partition(" ")
        if not token or token.startswith("bad"):
            return None
        if token.startswith("ghs_"):
            until = self._tokens.get(token)
            return self._as_app("installation") if until and until > datetime.now(UTC) else None
        if token.count(".") == 2:  # noqa: PLR2004 - head, content and signature of a JWT
            return self._as_app("app") if self.app and _signed(token, self.app) else None
        place = zlib.crc32(token.encode())
        return Identity("user", f"user-{place:08x}", place)

    def _as_app(self, kind: Literal["app", "installation"]) -> Identity | None:
        return Identity(kind, "pr-sentinel[bot]", self.app.id) if self.app else None

    def issue(self, installation: int) -> dict[str, Any] | None:
        """A token for an installation; None where there is no such."""
        if self.app is None or installation not in self.app.installations or len(self._tokens) >= MOST_TOKENS:
            return None
        token, until = f"ghs_{secrets.token_hex(16)}", datetime.now(UTC) + timedelta(hours=TOKEN_HOURS)
        self._tokens[token] = until
        permissions = {"checks": "write", "pull_requests": "read", "metadata": "read"}
        return {"token": token, "expires_at": f"{until:%Y-%m-%dT%H:%M:%SZ}", "permissions": permissions}

    def issued(self) -> int:
        """How many tokens were given."""
        return len(self._tokens)


def _signed(token: str, app: App) -> bool:
    """Whether the app's own key signed it, for now and not for long."""
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
    return bool(claims["exp"] - claims["iat"] <= LONGEST_JWT_SECONDS)
