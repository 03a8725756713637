"""What people say about alerts, read back from GitHub: reactions to comments, and the buttons of check runs."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from pymongo import IndexModel
from pymongo.asynchronous.database import AsyncDatabase

from steps.common.errors import NotFound, SentinelError
from steps.common.github_errors import TransientError
from steps.common.mongo import Document
from steps.common.pull_request import PullRequest
from steps.common.retention import count_kept_seconds
from steps.serve import metrics
from steps.serve.contract import ModelName, ScoreResult
from steps.serve.feedback import MEMBERS, Vote, compute_next_check, decide_verdict, read_reactions
from steps.serve.github_access import GitHubRestClient
from steps.serve.webhooks.alerts import Alert
from steps.serve.webhooks.events import Voter
from steps.serve.webhooks.indexed_collection import IndexedCollection
from steps.serve.webhooks.permissions import Permissions

KEPT_SECONDS = count_kept_seconds("feedback")
INDEXES = (
    IndexModel("announced_at", expireAfterSeconds=KEPT_SECONDS),
    IndexModel([("repository", 1), ("announced_at", -1)]),
    IndexModel("next_check"),
)
LEASE = timedelta(minutes=5)
RETRY = timedelta(minutes=30)
SOON = timedelta(minutes=10)
"""Wait before the rest of many reactions is looked at."""
PER_PAGE = 100
MAX_PAGES = 3
"""Pages of reactions that are read, and people whose permission is looked up at once."""
MAX_LOOKUPS = 20
REMOVER = "0"
"""The voter for a comment that was removed, which GitHub doesn't name; no account has this number."""

logger = logging.getLogger(__name__)


class _Reading(NamedTuple):
    """The votes of a comment by account, and the ETag with which they are read again; None for unchanged ones."""

    votes: dict[str, Vote] | None
    etag: str | None
    is_complete: bool = True


class Feedback:
    """The collection `feedback`: one document per alert, `_id` `owner/name#number`."""

    def __init__(self, database: AsyncDatabase[Document], model: ModelName) -> None:
        self._collection = IndexedCollection(database.feedback, INDEXES)
        self._model = model
        self._permissions = Permissions()

    async def open(self, pull: PullRequest, result: ScoreResult, kinds: Sequence[str], alert: Alert) -> None:
        """Note an alert that was published, or published again; its votes stay."""
        collection = await self._collection.ready()
        now = datetime.now(UTC)
        fresh = {
            "repository": result.repository,
            "number": result.number,
            "author": pull.user.id,
            "removable": pull.author_association in MEMBERS,
            "announced_at": now,
            "votes": {},
            "verdict": None,
            "etag": None,
            "checks": 0,
            "next_check": compute_next_check(0, now),
        }
        present = {
            "kinds": list(kinds),
            "score": result.score,
            "model": {"version": self._model.version, "digest": self._model.digest},
            "mode": alert.mode,
            "place": alert.place,
        }
        await collection.update_one({"_id": result.id}, {"$set": present, "$setOnInsert": fresh}, upsert=True)

    async def dismiss(self, identity: str) -> None:
        """Count a comment that was removed as useless, unless the author may have done it."""
        collection = await self._collection.ready()
        if (known := await collection.find_one({"_id": identity})) and not known["removable"]:
            await self._store(known, known["votes"] | {REMOVER: "useless"}, {"next_check": None})

    async def vote(self, github: GitHubRestClient, identity: str, voter: Voter, vote: Vote) -> bool:
        """Count a vote by a button, and return False if it doesn't count.

        Raises:
            TransientError, SentinelError: the permission can't be looked up.
        """
        collection = await self._collection.ready()
        known = await collection.find_one({"_id": identity})
        if known is None or voter.id == known["author"]:
            return False
        if not await asyncio.to_thread(self._permissions.may_write, github, known["repository"], *voter):
            return False
        await self._store(known, known["votes"] | {str(voter.id): vote}, {})
        return True

    async def read_next(self, github: GitHubRestClient) -> bool:
        """Read the reactions to the comment that is due longest, and return False if none is due."""
        collection = await self._collection.ready()
        now = datetime.now(UTC)
        due = {"mode": "comment", "next_check": {"$lte": now}}
        known = await collection.find_one(due, sort=[("next_check", 1)])
        if known is None:
            return False
        lease = {"_id": known["_id"], "next_check": known["next_check"]}
        taken = await collection.update_one(lease, {"$set": {"next_check": now + LEASE}})
        if taken.modified_count:
            await self._read(github, known)
        return True

    async def _read(self, github: GitHubRestClient, known: Document) -> None:
        """Read the reactions to one comment and store the votes."""
        following = {
            "next_check": compute_next_check(known["checks"] + 1, datetime.now(UTC)),
            "checks": known["checks"] + 1,
        }
        try:
            reading = await asyncio.to_thread(_fetch_votes, github, known, self._permissions)
        except TransientError as error:
            wait = RETRY if error.wait is None else timedelta(seconds=error.wait)
            await self._store(known, known["votes"], {"next_check": datetime.now(UTC) + wait})
        except SentinelError as error:
            _log(known, error.problem)
            await self._store(known, known["votes"], following)
        else:
            if reading is None:
                await self._store(known, known["votes"], {"next_check": None})
                await self.dismiss(known["_id"])
                return
            votes = known["votes"] if reading.votes is None else reading.votes
            if not reading.is_complete:
                following = {"next_check": datetime.now(UTC) + SOON}
            await self._store(known, votes, following | {"etag": reading.etag})

    async def _store(self, known: Document, votes: Mapping[str, Vote], fields: Document) -> None:
        """Store votes and what they come to, and count those that are new."""
        collection = await self._collection.ready()
        for vote in (vote for account, vote in votes.items() if known["votes"].get(account) != vote):
            metrics.count_vote(vote)
        content = {**fields, "votes": dict(votes), "verdict": decide_verdict(votes.values())}
        await collection.update_one({"_id": known["_id"]}, {"$set": content})


def _fetch_votes(github: GitHubRestClient, known: Document, permissions: Permissions) -> _Reading | None:
    """Fetch the votes that count; None if a person has removed the comment, from a repository that is still there.

    Raises:
        TransientError, SentinelError: as for `GitHubRestClient.request`.
    """
    repository, path = known["repository"], f"/repos/{known['repository']}/issues/comments/{known['place']}/reactions"
    try:
        answer = github.fetch_if_changed(path, known["etag"], {"per_page": str(PER_PAGE)})
    except NotFound:
        github.request("GET", f"/repos/{repository}")
        return None
    if answer is None:
        return _Reading(None, known["etag"])
    found: list[Any] = answer.content if isinstance(answer.content, list) else []
    pages = 1
    while len(found) == PER_PAGE * pages and pages < MAX_PAGES:
        pages += 1
        found += github.list_items(path, {"per_page": str(PER_PAGE), "page": str(pages)})
    votes: dict[str, Vote] = {}
    lookups = 0
    reactions = read_reactions((one for one in found if isinstance(one, dict)), known["author"])
    for reaction in reactions:
        if not permissions.is_known(repository, reaction.account):
            lookups += 1
        if lookups > MAX_LOOKUPS:
            return _Reading(votes, None, is_complete=False)
        if permissions.may_write(github, repository, reaction.account, reaction.login):
            votes[str(reaction.account)] = reaction.vote
    return _Reading(votes, answer.etag if pages == 1 else None)


def _log(known: Document, problem: str) -> None:
    logger.warning("could not read feedback", extra={"pull_request": known["_id"], "problem": problem})
