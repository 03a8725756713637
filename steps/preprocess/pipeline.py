"""Builds a dataset from the documents of repositories, and publishes the histories that serving reads."""

import logging
from collections.abc import Sequence
from typing import Any

from pymongo.database import Database

from steps.common import lineage, lineage_names, mongo
from steps.common.dataset import DatasetFile, Manifest, RepositorySummary, format_dataset_uri
from steps.common.errors import ConfigurationError
from steps.common.mongo import Document
from steps.common.settings import PreprocessSettings, load
from steps.common.store import Store, open_store
from steps.preprocess import dataset, frames, histories, inputs, layout, source, spark
from steps.preprocess.frames import DocumentCounts
from steps.preprocess.missing import check_missing
from steps.preprocess.rejection import RejectionLimit

MIN_PULL_REQUESTS = 300
"""Fewer are not enough to learn what is usual."""

logger = logging.getLogger(__name__)


def build_dataset(
    repositories: Sequence[str], spark_master: str, most_rejected: float, most_missing: float = 0.2
) -> dict[str, Any]:
    """Build the dataset of these repositories, or find the one that was built from the same documents before.

    Args:
        repositories: `owner/name`, in any order.
        spark_master: Spark's master URL.
        most_rejected: the maximum share of unusable documents, from 0 to 1.
        most_missing: the maximum share of repositories that could not be fetched, from 0 to 1.

    Returns:
        The fields of `step.PreprocessOutput`.

    Raises:
        ConfigurationError: a setting is missing or wrong, or there are no repositories.
        TooManyRejected: the share of unusable documents, or of repositories that could not be fetched, is higher.
        NotFound, AccessRefused, Unavailable, StorageFull: MongoDB or the store can't be used.
    """
    if not repositories:
        raise ConfigurationError("No repositories were given.", advice="Name at least one, or change the search.")
    settings = load(PreprocessSettings)
    store, names = open_store(settings), sorted(set(repositories))
    query = source.build_query(names)
    with mongo.open_database(settings) as database:
        missing = check_missing(database, names, most_missing)
        documents = source.compute_fingerprint(database, query)
        hosts, own = mongo.format_hosts(settings.mongo_uri), settings.mongo_db
        lineage.describe(reads=[lineage_names.build_collection(hosts, own, "pull_requests", documents.count)])
        limit = RejectionLimit(database, names, documents.count, most_rejected)
        key = inputs.hash_inputs(names, most_rejected, documents)
        if manifest := dataset.recall(store, key):
            logger.info("nothing has changed since this dataset was built", extra={"dataset": manifest.hash})
        else:
            parts = source.split_query(database, query, documents.count)
            with dataset.create_staging_folder(store) as staged:
                files, counts = _compute(settings, parts, spark_master, limit, staged)
                shares = _add_watermarks(database, counts)
                manifest = dataset.publish(store, staged, files, shares, counts.rejected)
            dataset.remember(store, key, manifest)
        share = limit.check(manifest.rejected.count)
        histories.publish_histories(database, store, manifest)
    built = lineage_names.build_dataset(format_dataset_uri(store, manifest.hash), manifest)
    lineage.describe(writes=[built, lineage_names.build_collection(hosts, own, "history")])
    return _build_output(store, manifest) | {"rejected_share": share, "missing": missing}


def _compute(
    settings: PreprocessSettings, parts: Sequence[source.Query], master: str, limit: RejectionLimit, staged: str
) -> tuple[list[DatasetFile], DocumentCounts]:
    """Build the files in the staging folder from documents, on Spark."""
    logger.info("reading documents", extra={"partitions": len(parts)})
    with spark.open_session(master) as session:
        results = frames.validate_documents(session, settings, parts)
        counts = frames.count_documents(results)
        limit.check(counts.rejected.count)
        return layout.write_files(frames.build_rows(results, counts), counts.pulls, settings, staged), counts


def _add_watermarks(database: Database[Document], counts: DocumentCounts) -> dict[str, RepositorySummary]:
    names = list(counts.repositories)
    watermarks = {place["_id"]: place.get("watermark") for place in database.sync.find({"_id": {"$in": names}})}
    return {
        name: RepositorySummary(**share._asdict(), watermark=watermarks.get(name))
        for name, share in counts.repositories.items()
    }


def _build_output(store: Store, manifest: Manifest) -> dict[str, Any]:
    rows = sum(repository.rows for repository in manifest.repositories.values())
    if rows < MIN_PULL_REQUESTS:
        logger.warning(
            f"{rows} pull requests in {', '.join(manifest.repositories) or 'no repository'}; "
            f"at least {MIN_PULL_REQUESTS} are needed to train"
        )
    return {
        "dataset_uri": format_dataset_uri(store, manifest.hash),
        "data_hash": manifest.hash,
        "rows": rows,
        "trainable": rows >= MIN_PULL_REQUESTS,
    }
