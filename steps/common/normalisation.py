"""One form for what REST, GraphQL, webhooks and people write in several: texts, accounts, states and lists."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

BOT = "Bot"
BOT_SUFFIX = "[bot]"
GHOST = "ghost"
"""The login that GitHub shows for the author of a deleted account."""
APP_PREFIX = "app/"
"""Begins the login of an app in GitHub's command line and in its searches."""
AGENTS: Mapping[str, str] = {
    "copilot": "Copilot",
    "copilot-swe-agent": "Copilot",
}
"""GitHub's own agents by the logins (in lower case) under which GraphQL and REST know them."""
ACCOUNT_TYPES: Mapping[str, str] = {
    kind.lower(): kind for kind in ("User", BOT, "Organization", "Mannequin", "EnterpriseUserAccount")
}
DEFAULT_TYPE = "User"
"""Of an account without a usable type."""
STATES: Mapping[str, str] = {"open": "open", "closed": "closed", "merged": "closed"}

_LINE_END = re.compile(r"(?<!\r)\r+\n")
"""From the first of several on, or a thousand without an end would be looked at a thousand times each."""


def normalise_text(value: Any) -> Any:
    """Return a text in Unicode's composed form (NFC) with line feeds alone; anything else as it is.

    macOS and some keyboards write letters and their marks apart; forms in browsers send two characters for a line end,
    which are three once they were converted twice.
    """
    if not isinstance(value, str):
        return value
    text = _LINE_END.sub("\n", value) if "\r" in value else value
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def normalise_account(value: Any) -> Any:
    """Return an account with the login and the type of REST; anything else as it is.

    REST marks the login of an app, GraphQL does not, and GitHub's command line does so in front. A deleted account has
    neither a number nor a type of its own.
    """
    if not isinstance(value, dict) or not isinstance(value.get("login"), str):
        return value
    login, given = value["login"].strip() or value["login"], value.get("type")
    kind = ACCOUNT_TYPES.get(given.lower(), given) if isinstance(given, str) and given else DEFAULT_TYPE
    bare = login.removeprefix(APP_PREFIX).removesuffix(BOT_SUFFIX)
    is_app = kind == BOT or bare != login
    if is_app and bare.lower() in AGENTS:
        return value | {"login": AGENTS[bare.lower()], "type": BOT}
    if is_app:
        return value | {"login": f"{bare}{BOT_SUFFIX}" if bare else login, "type": BOT}
    if login.lower() == GHOST:
        return {"login": GHOST}
    return value | {"login": login, "type": kind}


def normalise_repository(value: Any) -> Any:
    """Return a repository with its `full_name`, as GraphQL and the events of 2012 imply it; anything else as it is."""
    if not isinstance(value, dict) or value.get("full_name") is not None:
        return value
    owner, name = value.get("owner"), value.get("name")
    login = owner.get("login") if isinstance(owner, dict) else None
    joined = f"{login}/{name}" if login and name else None
    full_name = value.get("nameWithOwner") or joined
    return value if full_name is None else value | {"full_name": full_name}


def normalise_state(value: Any, *, is_over: bool) -> str:
    """Return `open` or `closed`, whatever GitHub calls it; where that isn't known, by whether it `is_over`."""
    known = STATES.get(value.lower()) if isinstance(value, str) else None
    return known or ("closed" if is_over else "open")


def keep_named(value: Any, key: str, max_characters: int) -> list[Any]:
    """Return the entries of a list that have a usable text under `key`; plain texts count as such an entry.

    Accounts and labels that are gone are null, and nothing that is scored depends on one of them.
    """
    entries = value if isinstance(value, list) else []
    named = [{key: entry} if isinstance(entry, str) else entry for entry in entries]
    return [
        entry
        for entry in named
        if isinstance(entry, Mapping) and isinstance(entry.get(key), str) and 0 < len(entry[key]) <= max_characters
    ]


def fold_name(name: str) -> str:
    """Return what names that differ by letter case alone have in common: GitHub has no two of them."""
    return name.lower()
