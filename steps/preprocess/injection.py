"""What injected anomalies are made from: a real pull request, and what its repository was like until then.

An injected pull request is a real one of the test split with some fields replaced. It meets the history as it was at
that moment and leaves no trace in it.
"""

from collections import deque
from collections.abc import Callable, Sequence
from datetime import timedelta
from random import Random
from typing import Any, NamedTuple

from steps.common.accounts import newest_account
from steps.scoring.reading import Pull

PAST_SIZES = 4_000
PAST_PATHS = 4_000
PAST_BUMPS = 50
NEW_ACCOUNT_DAYS = 20
OPTIONAL = ("author_id", "head_ref", "cross_repository", "files")
"""What may not be known of a pull request; then it stays so in what is made of it, or it would give that away."""

Injected = list[dict[str, Any]]
"""Pull requests in the order of their opening; the last one is judged, those before it are its company."""


class Text(NamedTuple):
    """A title and a body from some repository, to be injected into another one."""

    repository: str
    title: str
    body: str


class Past:
    """What the kinds of anomalies need to know of the repository so far."""

    def __init__(self, foreign: Sequence[Text]) -> None:
        self.foreign = foreign
        self.sizes: deque[dict[str, Any]] = deque(maxlen=PAST_SIZES)
        self.hours: dict[str, list[int]] = {}
        self.accounts: dict[str, dict[str, Any]] = {}
        self.bumps: deque[Text] = deque(maxlen=PAST_BUMPS)
        self._paths: dict[str, None] = {}

    def update(self, pull: Pull) -> None:
        """Remember the pull request's size and files, and its author's account and hour."""
        self.sizes.append(
            {name: pull[name] for name in ("additions", "deletions", "changed_files", "commits", "files")}
        )
        author = pull["author"]
        self.hours.setdefault(author, [0] * 24)[pull["created_at"].hour] += 1
        self.accounts[author] = {
            name: pull[name] for name in ("author_id", "author_type", "head_ref", "cross_repository")
        }
        if pull["author_type"] == "Bot":
            self.bumps.append(Text(pull["repository"], pull["title"], pull["body"]))
        for file in pull["files"] or ():
            self._paths.pop(file["path"], None)
            self._paths[file["path"]] = None
        while len(self._paths) > PAST_PATHS:
            del self._paths[next(iter(self._paths))]

    def paths(self, count: int, random: Random) -> list[str]:
        """Return up to `count` different paths that were changed of late."""
        return random.sample([*self._paths], min(count, len(self._paths)))


Kind = Callable[[Pull, Past, Random], Injected | None]
"""Makes one kind of anomaly of a pull request; None where the past has no material for it."""


def alter(pull: Pull, **changes: Any) -> dict[str, Any]:
    """Return the pull request with some fields replaced; what is not known of it stays so."""
    return {**pull, **{name: None if _is_unknown(pull, name) else value for name, value in changes.items()}}


def _is_unknown(pull: Pull, name: str) -> bool:
    return name in OPTIONAL and pull[name] is None


def stranger(pull: Pull, random: Random, login: str = "") -> dict[str, Any]:
    """Return the fields of an author whom nobody knows, with an account of the last days and a fork."""
    named = login or f"stranger-{pull['number']}-{random.randrange(10**6)}"
    made = pull["created_at"] - timedelta(days=random.uniform(0, NEW_ACCOUNT_DAYS))
    return {
        "author": named,
        "author_id": newest_account(made),
        "author_type": "User",
        "cross_repository": True,
        "merged_at": None,
    }
