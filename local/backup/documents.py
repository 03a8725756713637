"""The collections of a database: to files of BSON and back, a batch of documents at a time."""

import gzip
import zlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, cast

from bson.codec_options import CodecOptions
from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument
from pymongo import IndexModel
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import BulkWriteError
from rich.console import Console

from local.backup import files
from local.backup.manifest import Index, SavedCollection, locate_collection
from local.backup.progress import track
from steps.common.errors import ConfigurationError, DamagedArtefact

BATCH = 500
LENGTH_BYTES = 4
MIN_BYTES, MAX_BYTES = 5, (16 << 20) + (16 << 10)
"""Sizes of a BSON document; the server's limit has some space above it."""
GZIP = 16 + zlib.MAX_WBITS
DUPLICATE = 11000
OPTIONS = ("expireAfterSeconds", "unique", "sparse")
IGNORED = frozenset({"key", "name", "v", "ns", "background"})
RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)


def list_names(database: Database[dict[str, Any]]) -> list[str]:
    """Return the names of the collections, without the server's own and without views."""
    found = ((one["name"], one.get("type", "collection")) for one in database.list_collections())
    return sorted(name for name, kind in found if kind == "collection" and not name.startswith("system."))


def dump(database: Database[dict[str, Any]], name: str, folder: Path, console: Console) -> SavedCollection:
    """Write a collection's documents to the backup in `folder`, as mongodump does, one at a time."""
    count = 0

    def read() -> Iterator[bytes]:
        nonlocal count
        total = database[name].estimated_document_count()
        for document in track(_raw(database, name).find({}).sort("_id"), f"Copying {name}", console, total):
            count += 1
            yield bytes(document.raw)

    written = files.write(folder / locate_collection(name), _compress(read()))
    indexes = [_describe(one) for one in database[name].list_indexes() if _is_described(one)]
    return SavedCollection(size=written.size, sha256=written.sha256, documents=count, indexes=indexes)


def iterate(folder: Path, name: str, listed: SavedCollection) -> Iterator[RawBSONDocument]:
    """Yield the documents of a collection of the backup.

    Raises:
        DamagedArtefact: the file has something else, or another number of documents.
    """
    count = 0
    try:
        with gzip.open(folder / locate_collection(name)) as file:
            for raw in _split(cast("BinaryIO", file)):
                count += 1
                yield RawBSONDocument(raw)
    except (OSError, EOFError, zlib.error, BSONError) as error:
        raise _build_damage(name, str(error)) from None
    if count != listed.documents:
        raise _build_damage(name, f"{count:,} documents instead of {listed.documents:,}")


def count_missing(database: Database[dict[str, Any]], folder: Path, name: str, listed: SavedCollection) -> int:
    """Return how many documents of the backup a collection lacks; it may have no others.

    Raises:
        ConfigurationError: the collection has a document that the backup lacks, or has otherwise.
        DamagedArtefact: the backup is not valid.
    """
    target, same = _raw(database, name), 0
    for batch in _batches(iterate(folder, name, listed)):
        wanted = {_encode_id(one): one.raw for one in batch}
        found = target.find({"_id": {"$in": [one["_id"] for one in batch]}})
        same += sum(wanted.get(_encode_id(one)) == one.raw for one in found)
    if target.count_documents({}) != same:
        raise _build_conflict(name)
    return listed.documents - same


def check_others(database: Database[dict[str, Any]], names: Iterable[str]) -> None:
    """Check that collections that the backup lacks have no documents.

    Raises:
        ConfigurationError: one has some.
    """
    for name in {*list_names(database)} - {*names}:
        if database[name].find_one({}) is not None:
            raise _build_conflict(name)


def restore(
    database: Database[dict[str, Any]], folder: Path, name: str, listed: SavedCollection, console: Console
) -> None:
    """Insert the documents that a collection lacks, after the indexes; what is there stays."""
    present = [[*dict(one["key"]).items()] for one in database[name].list_indexes()]
    if missing := [index for index in listed.indexes if index.keys not in present]:
        database[name].create_indexes([IndexModel(index.keys, **_read_options(index)) for index in missing])
    target = _raw(database, name)
    found = track(iterate(folder, name, listed), f"Restoring {name}", console, listed.documents)
    for batch in _batches(found):
        try:
            target.insert_many(batch, ordered=False)
        except BulkWriteError as error:
            if any(one["code"] != DUPLICATE for one in error.details["writeErrors"]):
                raise


def _is_described(index: Mapping[str, Any]) -> bool:
    """Return whether an index is not the one of `_id`, and has nothing that a manifest can't say."""
    return [*index["key"]] != ["_id"] and not {*index} - {*OPTIONS} - IGNORED


def _describe(index: Mapping[str, Any]) -> Index:
    keys = [(key, way if isinstance(way, str) else int(way)) for key, way in index["key"].items()]
    return Index(keys=keys, options={name: int(index[name]) for name in OPTIONS if name in index})  # type: ignore[misc]


def _read_options(index: Index) -> dict[str, Any]:
    return {str(name): value if name == "expireAfterSeconds" else bool(value) for name, value in index.options.items()}


def _raw(database: Database[dict[str, Any]], name: str) -> Collection[RawBSONDocument]:
    return database[name].with_options(codec_options=cast("Any", RAW))


def _encode_id(document: RawBSONDocument) -> str:
    return repr(document["_id"])


def _compress(chunks: Iterable[bytes]) -> Iterator[bytes]:
    compressor = zlib.compressobj(wbits=GZIP)
    for chunk in chunks:
        yield compressor.compress(chunk)
    yield compressor.flush()


def _split(file: BinaryIO) -> Iterator[bytes]:
    """Yield the documents in a file, whose first four bytes are their lengths.

    Raises:
        EOFError: a document is not valid or not complete.
    """
    while head := file.read(LENGTH_BYTES):
        length = int.from_bytes(head, "little")
        if not MIN_BYTES <= length <= MAX_BYTES:
            raise EOFError("a document has no valid length")
        document = head + file.read(length - len(head))
        if len(document) != length:
            raise EOFError("the last document is not complete")
        yield document


def _batches(documents: Iterable[RawBSONDocument]) -> Iterator[list[RawBSONDocument]]:
    iterator = iter(documents)
    while batch := [*islice(iterator, BATCH)]:
        yield batch


def _build_damage(name: str, why: str) -> DamagedArtefact:
    return DamagedArtefact(f"{name!a} in the backup is not valid: {why}.", advice="Use another backup.")


def _build_conflict(name: str) -> ConfigurationError:
    return ConfigurationError(
        f"{name} in MongoDB has documents that the backup lacks or has otherwise; nothing was restored.",
        advice="Restore to an empty database (another MONGO_DB), or only what is lost, with --only.",
    )
