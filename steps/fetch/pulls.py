"""Pull requests, the place to go on from, and what had to be put aside, in MongoDB."""

import logging
from datetime import UTC, datetime
from typing import NamedTuple

from pymongo import DeleteMany, InsertOne, ReplaceOne
from pymongo.database import Database

from steps.common.mongo import Document
from steps.fetch.batch import Batch, Progress
from steps.fetch.conversion import DOCUMENT_VERSION, Unusable

STEP = "fetch"

logger = logging.getLogger(__name__)


class Change(NamedTuple):
    """How many documents are new, and how many were there and are different now."""

    fetched: int = 0
    updated: int = 0


class Pulls:
    """One repository's documents."""

    def __init__(self, database: Database[Document]) -> None:
        self._database = database

    def progress(self, repository: str) -> Progress:
        """Return where the last run got to: the beginning where its documents lack fields of this version.

        The version is stored with the cursor, so a repository that is being read again goes on where it stopped.
        """
        stored = self._database.sync.find_one({"_id": repository})
        if stored is None:
            return Progress()
        if stored.get("version", 1) == DOCUMENT_VERSION:
            return Progress(stored.get("cursor"), stored.get("watermark"))
        versions = {"from_version": stored.get("version", 1), "to_version": DOCUMENT_VERSION}
        logger.info("documents lack fields, reading the repository again", extra={"repository": repository} | versions)
        return Progress(None, stored.get("watermark"))

    def count(self, repository: str) -> int:
        """How many documents there are."""
        return self._database.pull_requests.count_documents(
            {"_id": {"$gte": f"{repository}#", "$lt": f"{repository}$"}}
        )

    def commit(self, batch: Batch) -> Change:
        """Keep a page, then the place where it ends: a kill in between costs reading the page once more.

        A transaction would give the same, but a killed one locks its documents for a minute.
        """
        if not batch.documents and not batch.unusable:
            return Change()
        change = self._keep(list(batch.documents.values()))
        self._put_aside(batch)
        place = {"_id": batch.repository}
        content = batch.progress._asdict() | {"version": DOCUMENT_VERSION}
        self._database.sync.replace_one(place, place | content, upsert=True)
        return change

    def _keep(self, documents: list[Document]) -> Change:
        ids = [document["_id"] for document in documents]
        stored = {old["_id"]: old for old in self._database.pull_requests.find({"_id": {"$in": ids}})}
        new = [InsertOne(document) for document in documents if document["_id"] not in stored]
        changed = [
            ReplaceOne({"_id": document["_id"]}, document)
            for document in documents
            if document["_id"] in stored and _content(document) != _content(stored[document["_id"]])
        ]
        if new or changed:  # a bulk without operations is refused
            self._database.pull_requests.bulk_write([*new, *changed], ordered=False)
        return Change(len(new), len(changed))

    def _put_aside(self, batch: Batch) -> None:
        mended = DeleteMany({"_id": {"$in": [f"{STEP}:{source_id}" for source_id in batch.documents]}})
        aside = [ReplaceOne({"_id": f"{STEP}:{item.source_id}"}, _aside(item), upsert=True) for item in batch.unusable]
        self._database.quarantine.bulk_write([mended, *aside])


def _content(document: Document) -> Document:
    return {key: value for key, value in document.items() if key != "fetched_at"}


def _aside(item: Unusable) -> Document:
    return {
        "source_id": item.source_id,
        "step": STEP,
        "reasons": item.reasons,
        "quarantined_at": datetime.now(UTC),
    }
