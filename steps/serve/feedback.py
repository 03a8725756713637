"""What people say about alerts: whose vote counts, what the votes come to, and which mutes they suggest.

A document of the collection `feedback` stands for the alert of one pull request, beside its predictions. It holds
numbers of accounts, and no names.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from pymongo.database import Database

from steps.common.mongo import Document

Vote = Literal["useful", "useless"]
CONTENTS: Mapping[str, Vote] = {"+1": "useful", "-1": "useless"}
"""GitHub's names of the reactions that count."""
PERMISSIONS = frozenset({"admin", "write"})
"""Permissions of people whose votes count, by their old names, which include those of other roles."""
MEMBERS = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})
"""Associations of authors who may be able to delete a comment themselves."""
INTERVALS = tuple(timedelta(hours=hours) for hours in (1, 5, 18, 48, 96, 168, 336))
"""Waits before the reactions to an alert are read, one after the other; then they are read no more."""
RECENT = 20
"""Alerts with votes that precision is stated for."""
MIN_VOTED = 5
MIN_USELESS_SHARE = 0.75
"""From so many alerts and such a share on, a mute is suggested."""


class Reaction(NamedTuple):
    """A vote by a reaction, and the account that gave it."""

    account: int
    login: str
    vote: Vote


class FeedbackSummary(NamedTuple):
    """The latest alerts of a repository that people voted on, and how many of those were called useful."""

    useful: int
    voted: int

    @property
    def sentence(self) -> str:
        """State it in a sentence; empty if nobody has voted."""
        if not self.voted:
            return ""
        alerts = f"the last {self.voted} alerts that people voted on" if self.voted > 1 else "the one alert with votes"
        return f"Of {alerts}, {self.useful} {'was' if self.useful == 1 else 'were'} called useful"


class MuteProposal(NamedTuple):
    """A kind of reason whose alerts people call useless."""

    kind: str
    useless: int
    voted: int

    @property
    def sentence(self) -> str:
        """State it in a sentence, with what to write into the repository's file."""
        return (
            f"{self.useless} of {self.voted} alerts by `{self.kind}` were called useless; mute it with "
            f"`mute: {{reasons: [{self.kind}]}}`"
        )


def read_reactions(found: Iterable[Mapping[str, Any]], author: int | None) -> list[Reaction]:
    """Return the votes among a comment's reactions as GitHub lists them: the latest of each person.

    Bots don't count, and neither does the pull request's author.
    """
    latest: dict[int, Reaction] = {}
    for one in sorted(found, key=lambda one: str(one.get("created_at"))):
        user, vote = one.get("user"), CONTENTS.get(str(one.get("content")))
        if not isinstance(user, dict) or not isinstance(user.get("id"), int) or vote is None:
            continue
        if user["id"] != author and user.get("type") == "User":
            latest[user["id"]] = Reaction(user["id"], str(user.get("login")), vote)
    return list(latest.values())


def decide_verdict(votes: Iterable[Vote]) -> Vote | None:
    """Return what most votes say; None without votes, and where they are even."""
    counts = Counter(votes)
    surplus = counts["useful"] - counts["useless"]
    return None if surplus == 0 else "useful" if surplus > 0 else "useless"


def compute_next_check(checks: int, now: datetime) -> datetime | None:
    """Return when to read the reactions after so many times; None for never again."""
    return now + INTERVALS[checks] if checks < len(INTERVALS) else None


def read_feedback(database: Database[Document], repository: str, limit: int = 0) -> list[Document]:
    """Read the alerts of a repository that people voted on, newest first; all of them without a limit.

    Raises:
        PyMongoError: MongoDB does not answer.
    """
    wanted = {"repository": repository, "verdict": {"$in": list(CONTENTS.values())}}
    found = database.feedback.find(wanted, {"verdict": 1, "kinds": 1, "number": 1}).sort("announced_at", -1)
    return list(found.limit(limit) if limit else found)


def summarise_feedback(documents: Iterable[Mapping[str, Any]]) -> FeedbackSummary:
    """Summarise the latest documents, which come newest first."""
    verdicts = [one["verdict"] for one in documents][:RECENT]
    return FeedbackSummary(verdicts.count("useful"), len(verdicts))


def propose_mutes(documents: Iterable[Mapping[str, Any]]) -> list[MuteProposal]:
    """Return the kinds of reasons to mute, by the first reason of each alert; the most useless one first."""
    voted: Counter[str] = Counter()
    useless: Counter[str] = Counter()
    for one in documents:
        for kind in one["kinds"][:1]:
            voted[kind] += 1
            useless[kind] += one["verdict"] == "useless"
    found = [MuteProposal(kind, useless[kind], count) for kind, count in voted.items() if count >= MIN_VOTED]
    found = [one for one in found if one.useless >= MIN_USELESS_SHARE * one.voted]
    return sorted(found, key=lambda one: (-one.useless, one.kind))
