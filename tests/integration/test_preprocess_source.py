"""Partitions of the documents for parallel readers."""

from typing import Any

import pytest
from pymongo.database import Database

from steps.preprocess import source
from tests.support.documents import BUSY, QUIET, document, documents

Documents = Database[dict[str, Any]]
QUERY = source.build_query([BUSY, QUIET])


@pytest.fixture
def indexed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Treat the server as one with range queries by index, and make partitions small."""
    monkeypatch.setattr(source, "_is_embedded", lambda _: False)
    monkeypatch.setattr(source, "DOCUMENTS_PER_PARTITION", 30)


def found(database: Documents, queries: list[source.Query]) -> list[list[str]]:
    return [[one["_id"] for one in database.pull_requests.find(query)] for query in queries]


def test_every_document_is_read_by_one(database: Documents, indexed: None) -> None:
    """Parts hold about as much each, none twice, and nothing of other repositories whose names begin alike."""
    ours = documents(busy=90, quiet=25)
    others = [document("example/busy-2", 1), document("example/bus", 1), {"_id": "example/busy"}, {"_id": 7}]
    database.pull_requests.insert_many([*ours, *others])
    parts = found(database, source.split_query(database, QUERY, len(ours)))
    assert sorted(one for part in parts for one in part) == sorted(one["_id"] for one in ours)
    assert len(parts) == 4
    assert max(map(len, parts)) <= 30


def test_many_repositories_are_found(database: Documents) -> None:
    """More names than a pattern holds, with characters that mean something in patterns, find theirs and no others."""
    names = [f"some.one/name-{number}" for number in range(source.MAX_PATTERN_CHARACTERS // 10)]
    database.pull_requests.insert_many(document(name, 1) for name in [*names, "someXone/name-1"])
    assert source.compute_fingerprint(database, source.build_query(names)).count == len(names)


def test_what_comes_in_meanwhile_is_read_as_well(database: Documents, indexed: None) -> None:
    """Documents before the first part and after the last one belong to these."""
    database.pull_requests.insert_many([document(QUIET, number) for number in range(100, 150)])
    queries = source.split_query(database, QUERY, 50)
    database.pull_requests.insert_many([document(BUSY, 1), document(QUIET, 999)])
    assert sum(map(len, found(database, queries))) == 52


def test_the_embedded_server_is_read_once(database: Documents, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would go through all documents for each part."""
    monkeypatch.setattr(source, "DOCUMENTS_PER_PARTITION", 30)
    assert source.split_query(database, QUERY, 1_000) == [QUERY]


def test_an_empty_collection_has_a_fingerprint(database: Documents) -> None:
    """Nothing there is nothing found, and one part that finds it."""
    assert source.compute_fingerprint(database, QUERY) == source.Fingerprint(0, 0, None)
    assert source.split_query(database, QUERY, 0) == [QUERY]
