"""From the documents of some repositories to a dataset, and from its last rows to the histories that serving reads."""

import logging
from collections.abc import Sequence
from typing import Any

from pymongo.database import Database

from steps.common import mongo
from steps.common.dataset import DatasetFile, Manifest, RejectedDocuments, RepositorySummary, format_dataset_uri
from steps.common.errors import ConfigurationError, TooManyRejected
from steps.common.mongo import Document
from steps.common.settings import PreprocessSettings, load
from steps.common.store import Store, open_store
from steps.preprocess import dataset, frames, histories, inputs, layout, source, spark
from steps.preprocess.frames import Census

MINIMUM_PULL_REQUESTS = 300
"""Fewer can't tell what is usual from what is not."""

logger = logging.getLogger(__name__)


def build(repositories: Sequence[str], spark_master: str, most_rejected: float) -> dict[str, Any]:
    """Make the dataset of these repositories, or find the one that the same documents have made before.

    Args:
        repositories: `owner/name`, in any order.
        spark_master: where Spark runs, as Spark writes it.
        most_rejected: the share of documents, from 0 to 1, that may be unusable.

    Returns:
        The fields of `step.PreprocessOutput`.

    Raises:
        ConfigurationError: a setting is missing or wrong, or there are no repositories.
        TooManyRejected: more documents than that are unusable.
        NotFound, AccessRefused, Unavailable, StorageFull: MongoDB or the store can't be used.
    """
    if not repositories:
        raise ConfigurationError("No repositories are given.", advice="Name some, or search for others.")
    settings = load(PreprocessSettings)
    store = open_store(settings)
    names = sorted(set(repositories))
    query = source.of_repositories(names)
    with mongo.open_database(settings) as database:
        documents = source.fingerprint(database, query)
        key = inputs.key(names, most_rejected, documents)
        if manifest := dataset.recall(store, key):
            logger.info("nothing has changed since this dataset was made", extra={"dataset": manifest.hash})
        else:
            parts = source.partitions(database, query, documents.count)
            with dataset.staging(store) as staged:
                files, census = _compute(settings, parts, spark_master, most_rejected, staged)
                shares = _with_watermarks(database, census)
                manifest = dataset.publish(store, staged, files, shares, census.rejected)
            dataset.remember(store, key, manifest)
        histories.publish(database, store, manifest)
    return _outcome(store, manifest)


def _compute(
    settings: PreprocessSettings, parts: Sequence[source.Query], master: str, most_rejected: float, staged: str
) -> tuple[list[DatasetFile], Census]:
    """All that Spark does: from documents to files in the staging folder."""
    logger.info("reading documents", extra={"partitions": len(parts)})
    with spark.session(master) as session:
        verdicts = frames.verdicts(session, settings, parts)
        census = frames.census(verdicts)
        if census.rejected.share > most_rejected:
            raise _too_many(census.rejected, most_rejected, frames.commonest_reasons(verdicts))
        return layout.write(frames.rows(verdicts, census), census.pulls, settings, staged), census


def _with_watermarks(database: Database[Document], census: Census) -> dict[str, RepositorySummary]:
    names = list(census.repositories)
    watermarks = {place["_id"]: place.get("watermark") for place in database.sync.find({"_id": {"$in": names}})}
    return {
        name: RepositorySummary(**share._asdict(), watermark=watermarks.get(name))
        for name, share in census.repositories.items()
    }


def _too_many(rejected: RejectedDocuments, most: float, reasons: Sequence[str]) -> TooManyRejected:
    return TooManyRejected(
        f"{rejected.count} documents, {rejected.share:.1%}, are no usable pull requests; at most {most:.1%} may be. "
        f"The commonest reasons: {'; '.join(reasons)}.",
        advice="Look into the collection quarantine; allow more by the parameter most_rejected.",
    )


def _outcome(store: Store, manifest: Manifest) -> dict[str, Any]:
    rows = sum(repository.rows for repository in manifest.repositories.values())
    if rows < MINIMUM_PULL_REQUESTS:
        logger.warning(
            f"{rows} pull requests in {', '.join(manifest.repositories) or 'no repository'}; "
            f"at least {MINIMUM_PULL_REQUESTS} are needed to train"
        )
    return {
        "dataset_uri": format_dataset_uri(store, manifest.hash),
        "data_hash": manifest.hash,
        "rows": rows,
        "rejected_share": manifest.rejected.share,
        "trainable": rows >= MINIMUM_PULL_REQUESTS,
    }
