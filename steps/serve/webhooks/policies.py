"""The rules of watched repositories, read from GitHub and kept in MongoDB for all replicas.

The file is read from the default branch alone: what a pull request brings has no say in how it is treated. It is asked
for again after a push, which GitHub delivers, and otherwise once in a while, conditionally, which costs nothing of the
rate limit where it has not changed.
"""

import asyncio
import base64
import binascii
import logging
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from pymongo import IndexModel
from pymongo.asynchronous.database import AsyncDatabase

from steps.common.errors import NotFound, SentinelError
from steps.common.github_errors import TransientError
from steps.common.mongo import Document
from steps.common.retention import count_kept_seconds
from steps.serve.github_access import GitHubRestClient
from steps.serve.policy import DEFAULT_POLICY, MAX_BYTES, PATH, AlertPolicy, PolicyError, parse
from steps.serve.webhooks.indexed_collection import IndexedCollection

KEPT_SECONDS = count_kept_seconds("policies")
INDEXES = (IndexModel("checked_at", expireAfterSeconds=KEPT_SECONDS),)
MAX_AGE = timedelta(hours=1)
"""Time after which the file is asked for even if no push was delivered."""
MAX_PARSED = 256

logger = logging.getLogger(__name__)


class RepositoryPolicy(NamedTuple):
    """The rules that hold for a repository, and what is wrong with its file, if it can't be used."""

    policy: AlertPolicy = DEFAULT_POLICY
    problem: str = ""


class RepositoryPolicies:
    """The collection `policies`: one document per repository with the file's content, and when GitHub was asked."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._collection = IndexedCollection(database.policies, INDEXES)

    async def load(self, github: GitHubRestClient, repository: str) -> RepositoryPolicy:
        """Return the rules of a repository; the defaults where it has no file, or one that is not valid.

        Raises:
            TransientError: they are not known yet, and GitHub can't be asked now.
            PyMongoError: MongoDB does not answer.
        """
        collection = await self._collection.ready()
        known = await collection.find_one({"_id": repository})
        if known is None or known["stale"] or datetime.now(UTC) - known["checked_at"] > MAX_AGE:
            known = await self._renew(github, repository, known)
        return _read(known["content"], known["problem"])

    async def invalidate(self, repository: str) -> None:
        """Note that the file may have changed."""
        collection = await self._collection.ready()
        await collection.update_one({"_id": repository}, {"$set": {"stale": True}})

    async def _renew(self, github: GitHubRestClient, repository: str, known: Document | None) -> Document:
        """Ask GitHub for the file and store it; if GitHub does not answer, what is known stays."""
        collection = await self._collection.ready()
        try:
            found = await asyncio.to_thread(_fetch, github, repository, known)
        except TransientError as error:
            if known is None:
                raise
            _log("the rules of a repository can't be renewed", repository, error.problem)
            return known
        found |= {"checked_at": datetime.now(UTC), "stale": False}
        await collection.replace_one({"_id": repository}, found, upsert=True)
        problem = _read(found["content"], found["problem"]).problem
        if problem and (known is None or known["etag"] != found["etag"]):
            _log("the rules of a repository are not valid", repository, problem)
        return found


def _fetch(github: GitHubRestClient, repository: str, known: Document | None) -> Document:
    """Fetch the file's `content` (None without one), `etag`, and the `problem` if it can't be used."""
    path, etag = f"/repos/{repository}/contents/{PATH}", known["etag"] if known else None
    try:
        answer = github.fetch_if_changed(path, etag)
    except NotFound:
        return {"content": None, "etag": None, "problem": ""}
    except SentinelError as error:  # for example without Contents: read; nobody knows whether there is a file
        _log("the rules of a repository can't be read", repository, error.problem)
        return {"content": None, "etag": None, "problem": ""}
    if answer is None and known is not None:
        return {name: known[name] for name in ("content", "etag", "problem")}
    return _decode(answer.content if answer else None) | {"etag": answer.etag if answer else None}


def _log(message: str, repository: str, problem: str) -> None:
    logger.warning(message, extra={"repository": repository, "file": PATH, "problem": problem})


def _decode(answer: Any) -> Document:
    """Return the content of a file as GitHub's REST API gives it, or why it can't be used."""
    if not isinstance(answer, dict) or answer.get("type") != "file":
        return {"content": None, "problem": "it is not a file"}
    size, encoded = answer.get("size"), answer.get("content")
    if not isinstance(size, int) or size > MAX_BYTES or answer.get("encoding") != "base64":
        return {"content": None, "problem": f"it has more than {MAX_BYTES:,} bytes"}
    try:
        return {"content": base64.b64decode(str(encoded or "")), "problem": ""}
    except (binascii.Error, ValueError):
        return {"content": None, "problem": "GitHub's response can't be decoded"}


@lru_cache(MAX_PARSED)
def _read(content: bytes | None, problem: str) -> RepositoryPolicy:
    if content is None:
        return RepositoryPolicy(problem=problem)
    try:
        return RepositoryPolicy(parse(content))
    except PolicyError as error:
        return RepositoryPolicy(problem=str(error))
