"""The pull requests, progress and quarantine of fetch in MongoDB."""

import logging
from datetime import UTC, datetime
from typing import NamedTuple

from pymongo import DeleteMany, InsertOne, ReplaceOne
from pymongo.database import Database

from steps.common.mongo import Document
from steps.fetch.batch import PageBatch, Progress
from steps.fetch.conversion import DOCUMENT_VERSION, UnusablePullRequest

STEP = "fetch"

logger = logging.getLogger(__name__)


class ChangeCounts(NamedTuple):
    """The number of new documents, and of existing ones that changed."""

    fetched: int = 0
    updated: int = 0


class PullRequestStore:
    """The collections that fetch writes: `pull_requests`, `sync` and `quarantine`."""

    def __init__(self, database: Database[Document]) -> None:
        self._database = database

    def read_progress(self, repository: str) -> Progress:
        """Return the progress of the last run, or the beginning if its documents have an older version.

        The version is stored with the cursor, so an interrupted upgrade continues where it stopped.
        """
        stored = self._database.sync.find_one({"_id": repository})
        if stored is None or ("version" not in stored and "cursor" not in stored):
            return Progress()
        if stored.get("version", 1) == DOCUMENT_VERSION:
            return Progress(stored.get("cursor"), stored.get("watermark"))
        versions = {"from_version": stored.get("version", 1), "to_version": DOCUMENT_VERSION}
        logger.info("documents lack fields, reading the repository again", extra={"repository": repository} | versions)
        return Progress(None, stored.get("watermark"))

    def count(self, repository: str) -> int:
        """Return the number of a repository's pull requests that are known, usable or not."""
        usable = {"_id": {"$gte": f"{repository}#", "$lt": f"{repository}$"}}
        unusable = {"_id": {"$gte": f"{STEP}:{repository}#", "$lt": f"{STEP}:{repository}A"}}
        database = self._database
        return database.pull_requests.count_documents(usable) + database.quarantine.count_documents(unusable)

    def record_failure(self, repository: str, problem: str) -> None:
        """Store why a repository could not be brought up to date; what is known of it stays."""
        self._database.sync.update_one({"_id": repository}, {"$set": {"problem": problem}}, upsert=True)

    def record_success(self, repository: str) -> None:
        """Drop the reason of an earlier failure."""
        self._database.sync.update_one({"_id": repository}, {"$unset": {"problem": ""}})

    def commit(self, batch: PageBatch) -> ChangeCounts:
        """Store a page, then its last cursor; after a kill in between, the page is read once more.

        A transaction is not used because a killed one locks its documents for a minute.
        """
        if not batch.documents and not batch.unusable:
            return ChangeCounts()
        change = self._store_documents(list(batch.documents.values()))
        self._quarantine(batch)
        place = {"_id": batch.repository}
        content = batch.progress._asdict() | {"version": DOCUMENT_VERSION}
        self._database.sync.replace_one(place, place | content, upsert=True)
        return change

    def _store_documents(self, documents: list[Document]) -> ChangeCounts:
        ids = [document["_id"] for document in documents]
        stored = {old["_id"]: old for old in self._database.pull_requests.find({"_id": {"$in": ids}})}
        new = [InsertOne(document) for document in documents if document["_id"] not in stored]
        changed = [
            ReplaceOne({"_id": document["_id"]}, document)
            for document in documents
            if document["_id"] in stored and _strip_fetched_at(document) != _strip_fetched_at(stored[document["_id"]])
        ]
        if new or changed:  # a bulk without operations is refused
            self._database.pull_requests.bulk_write([*new, *changed], ordered=False)
        return ChangeCounts(len(new), len(changed))

    def _quarantine(self, batch: PageBatch) -> None:
        recovered = DeleteMany({"_id": {"$in": [f"{STEP}:{source_id}" for source_id in batch.documents]}})
        quarantined = [
            ReplaceOne({"_id": f"{STEP}:{item.source_id}"}, _build_quarantine_entry(item), upsert=True)
            for item in batch.unusable
        ]
        self._database.quarantine.bulk_write([recovered, *quarantined])


def _strip_fetched_at(document: Document) -> Document:
    return {key: value for key, value in document.items() if key != "fetched_at"}


def _build_quarantine_entry(item: UnusablePullRequest) -> Document:
    return {
        "source_id": item.source_id,
        "step": STEP,
        "reasons": item.reasons,
        "quarantined_at": datetime.now(UTC),
    }
