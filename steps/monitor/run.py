"""One comparison from beginning to end: read, compare, decide, start a training if necessary, and report."""

import logging
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from steps.common import lineage, lineage_names, mongo, tracking
from steps.common.dataset import format_dataset_uri
from steps.common.errors import OtherVersion
from steps.common.registry import CHAMPION, IMAGE_DIGEST, PRODUCTION, Registry
from steps.common.settings import MonitorSettings, load
from steps.common.store import Store, open_store
from steps.monitor import report
from steps.monitor.comparison import TOGETHER, DriftComparison, Verdict, compare_all
from steps.monitor.decision import Circumstances, TrainingDecision, decide, summarise
from steps.monitor.reading import Champion, RecentSamples, build_pairs, load_champion, read_recent, read_reference
from steps.monitor.training import Pipeline, find_pipeline

logger = logging.getLogger(__name__)


def monitor_drift(cool_down_hours: float, alias: str = CHAMPION) -> dict[str, Any]:
    """Compare recent pull requests with those that the served model knows, and start a training if they have drifted.

    Args:
        cool_down_hours: the time after a training because of drift in which there is no other.
        alias: the alias of the version that is served here, `champion` or `production`; called the champion below.

    Returns:
        The fields of `step.MonitorOutput`.

    Raises:
        NotFound: the champion has no Bento or no dataset.
        DamagedArtefact: one of them is not what its hash says.
        Unavailable, AccessRefused: MLflow, MongoDB, the store or the API server can't be used.
    """
    settings, now = load(MonitorSettings), datetime.now(UTC)
    store, pipeline = open_store(settings), find_pipeline()
    with tracking.connect(settings) as client:
        registry = Registry(client)
        version = registry.get_production() if alias == PRODUCTION else registry.get_champion()
    if version is None:
        return _build_unknown("", f"no version has the alias {alias} yet")
    with tempfile.TemporaryDirectory() as folder, mongo.open_database(settings) as database:
        try:
            champion = load_champion(version, store, Path(folder) / "bento")
        except OtherVersion as error:
            return _build_unknown(
                str(version.version), f"the champion is of another version of this code: {error.problem}"
            )
        recent = read_recent(champion, store, database, Path(folder) / "recent")
        _describe_reads(settings, store, champion, recent)
        if not recent.samples:
            return _build_unknown(str(version.version), "no pull request has been opened since the champion's dataset")
        pairs = build_pairs(read_reference(champion, store, Path(folder) / "reference"), recent.samples)
    comparisons = compare_all(pairs, champion.quantities, champion.model.alert_budget)
    circumstances = Circumstances(
        unseen=recent.unseen,
        running=pipeline.list_running(),
        requested_at=report.read_requested_at(store),
        now=now,
        cool_down=timedelta(hours=cool_down_hours),
        instead=pipeline.instead,
    )
    return _conclude(store, pipeline, str(version.version), comparisons, circumstances)


def _conclude(
    store: Store,
    pipeline: Pipeline,
    version: str,
    comparisons: Sequence[DriftComparison],
    circumstances: Circumstances,
) -> dict[str, Any]:
    """Decide, start a training if necessary, and report."""
    verdict, reason = summarise(comparisons)
    nothing = TrainingDecision(False, "")
    found = report.DriftReport(circumstances.now, version, verdict, reason, comparisons, nothing, "")
    decision = decide(verdict, circumstances)
    workflow = _start(pipeline, store, found, circumstances.cool_down) if decision.retrain else ""
    uri = report.write(store, found._replace(decision=decision, workflow=workflow))
    lineage.describe(writes=[lineage_names.build_file(uri)], tags={"verdict": verdict, "decision": decision.reason})
    logger.info("compared", extra={"verdict": verdict, "reason": reason, "retrain": decision.retrain, "report": uri})
    if verdict == "unknown":
        logger.warning(f"nothing is known of drift: {reason}")
    return _build_output(version, verdict, reason, decision, uri, comparisons)


def _describe_reads(settings: MonitorSettings, store: Store, champion: Champion, recent: RecentSamples) -> None:
    """Record in the lineage what is compared: the champion, its dataset, the newest one, and the predictions.

    The image of the champion is a tag: the registry has its digest, if production has had it, but not its repository.
    """
    place, number = tracking.format_uri(settings), str(champion.version.version)
    uris = {format_dataset_uri(store, manifest.hash) for manifest in (champion.manifest, recent.newest)}
    predictions = lineage_names.build_collection(
        mongo.format_hosts(settings.mongo_uri), settings.mongo_db, "predictions"
    )
    version = lineage_names.build_model_version(place, tracking.REGISTERED_MODEL, number)
    digest = champion.version.tags.get(IMAGE_DIGEST)
    lineage.describe(
        reads=[version, *map(lineage_names.build_file, sorted(uris)), predictions],
        tags={IMAGE_DIGEST: digest} if digest else None,
    )


def _build_unknown(version: str, reason: str) -> dict[str, Any]:
    """Return the output of a run that found nothing to compare."""
    return _build_output(version, "unknown", reason, TrainingDecision(False, reason))


def _build_output(
    version: str,
    verdict: Verdict,
    reason: str,
    decision: TrainingDecision,
    uri: str = "",
    comparisons: Sequence[DriftComparison] = (),
) -> dict[str, Any]:
    words = [one.verdict for one in comparisons if one.repository != TOGETHER]
    return {
        "version": version,
        "verdict": verdict,
        "reason": reason,
        "retrain": decision.retrain,
        "decision": decision.reason,
        "report": uri,
        "drifted": words.count("drift"),
        "compared": len(words) - words.count("unknown"),
    }


def _start(pipeline: Pipeline, store: Store, found: report.DriftReport, cool_down: timedelta) -> str:
    """Start a training, and return its name: the same one for all attempts within a cool-down."""
    period = int(found.made_at.timestamp() // max(cool_down.total_seconds(), 1))
    name = f"pr-sentinel-drift-{found.version}-{period}"
    pipeline.start(name, found.reason)
    report.write_request(store, found.made_at, name)
    return name
