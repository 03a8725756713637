"""OpenLineage's client, which the standard variables configure: events of a step's run, sent in the background."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from queue import SimpleQueue
from threading import Thread, get_ident
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from openlineage.client import OpenLineageClient, set_producer
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import (
    DatasetFacet,
    InputDatasetFacet,
    OutputDatasetFacet,
    RunFacet,
    dataset_version_dataset,
    datasource_dataset,
    error_message_run,
    input_statistics_input_dataset,
    job_type_job,
    output_statistics_output_dataset,
    parent_run,
    processing_engine_run,
    schema_dataset,
    tags_run,
)
from openlineage.client.uuid import generate_new_uuid
from requests import HTTPError

from steps.common.lineage import LineageDataset, StepLineage

NAMESPACE = "OPENLINEAGE_NAMESPACE"
"""The variable with the namespace of jobs, as OpenLineage's integrations read it."""
PRODUCT = "pr-sentinel"
PRODUCER = "https://github.com/pr-sentinel/pr-sentinel"
WORKFLOWS = {"monitor": "pr-sentinel-monitor"}
"""The workflow of a step that is not one of the pipeline, which is named like the product."""
STOP_SECONDS = 2.0
"""Time to send what is left; what a sink does not take until then is lost."""
LIBRARY, CONSOLE, RETRIES = "openlineage.client", "openlineage.client.transport.console", "urllib3.connectionpool"

logger = logging.getLogger(__name__)


class StepRun:
    """One attempt of a step: a run of its own, with START and one event at its end."""

    def __init__(self, lineage: StepLineage) -> None:
        set_producer(PRODUCER)
        self.lineage = lineage
        # Nobody has to guess it: both events come from this process, and a retry is another run.
        self._id = str(generate_new_uuid())
        self._has_ended = False
        self._sender = LineageSender(lineage.commit)
        self._send(RunState.START)

    def complete(self) -> None:
        """Emit COMPLETE."""
        self._end(RunState.COMPLETE)

    def fail(self, problem: str) -> None:
        """Emit FAIL with the problem, in our own words."""
        self._end(RunState.FAIL, problem)

    def abort(self) -> None:
        """Emit ABORT."""
        self._end(RunState.ABORT)

    def _end(self, state: RunState, problem: str = "") -> None:
        """Emit the last event; a signal while it is being sent adds no other."""
        if self._has_ended:
            return
        self._has_ended = True
        self._send(state, problem)
        self._sender.stop()

    def _send(self, state: RunState, problem: str = "") -> None:
        try:
            event = build_event(self.lineage, self._id, state, datetime.now(UTC), problem)
        except ValueError as error:  # a place that is not a valid URL
            self._sender.warn(error)
        else:
            self._sender.send(event)


class LineageSender:
    """Sends events in order, in the background; when the sink does not take them, they are lost, with one warning."""

    def __init__(self, commit: str) -> None:
        self._waiting: SimpleQueue[RunEvent | None] = SimpleQueue()
        self._has_warned = False
        self._thread: Thread | None = None
        # Its messages quote settings, which may be secrets; events on the console are messages, too.
        logging.getLogger(LIBRARY).setLevel(logging.CRITICAL)
        logging.getLogger(CONSOLE).setLevel(logging.INFO)
        try:
            client = OpenLineageClient(config={"facets": {"source_code_location": {"version": commit or None}}})
        except Exception as error:  # whatever is wrong with a sink costs no step
            self.warn(error)
            return
        self._thread = Thread(target=self._run, args=(client,), daemon=True)
        self._thread.start()

    def send(self, event: RunEvent) -> None:
        """Send an event, later."""
        self._waiting.put(event)

    def stop(self) -> None:
        """Send what is left, for STOP_SECONDS at most."""
        if self._thread is None:
            return
        self._waiting.put(None)
        self._thread.join(STOP_SECONDS)
        if self._thread.is_alive():
            self.warn(None)

    def _run(self, client: OpenLineageClient) -> None:
        with _mute_retries():
            for event in iter(self._waiting.get, None):
                try:
                    client.emit(event)
                except Exception as error:
                    self.warn(error)
            client.close(STOP_SECONDS)  # some transports have a queue of their own

    def warn(self, error: Exception | None) -> None:
        """Warn once, without the error's message, which may quote a URL with its user and password."""
        if self._has_warned:
            return
        self._has_warned = True
        kind = "no answer in time" if error is None else type(error).__name__
        answer = error.response if isinstance(error, HTTPError) else None
        status = {} if answer is None else {"status": answer.status_code}
        logger.warning("lineage events are lost; check the OPENLINEAGE_ variables", extra={"reason": kind, **status})


@contextmanager
def _mute_retries() -> Iterator[None]:
    """Keep the warnings of this thread's retries out of the log; other threads' stay."""
    own = get_ident()

    def belongs_to_others(record: logging.LogRecord) -> bool:
        return record.thread != own

    retries = logging.getLogger(RETRIES)
    retries.addFilter(belongs_to_others)
    try:
        yield
    finally:
        retries.removeFilter(belongs_to_others)


def build_event(lineage: StepLineage, run_id: str, state: RunState, time: datetime, problem: str = "") -> RunEvent:
    """Build the event of a step's run.

    Args:
        lineage: what is known of the step.
        run_id: a UUID.
        state: what has happened.
        time: when, with its time zone.
        problem: why it failed, in our own words; empty otherwise.
    """
    namespace = os.environ.get(NAMESPACE, "").strip() or PRODUCT
    facets: dict[str, RunFacet] = {}
    if lineage.workflow:
        facets["parent"] = _build_parent(namespace, lineage)
    if lineage.commit:
        facets["processing_engine"] = processing_engine_run.ProcessingEngineRunFacet(lineage.commit, PRODUCT)
    if lineage.tags:
        tags = [tags_run.TagsRunFacetFields(name, value, PRODUCT) for name, value in lineage.tags.items()]
        facets["tags"] = tags_run.TagsRunFacet(tags)
    if problem:
        facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(problem, "Python")
    job_type = job_type_job.JobTypeJobFacet("BATCH", "PR_SENTINEL", "TASK")
    return RunEvent(
        eventType=state,
        eventTime=time.isoformat(timespec="milliseconds"),
        run=Run(run_id, facets),
        job=Job(namespace, lineage.step, {"jobType": job_type}),
        inputs=[_build_input(dataset) for dataset in lineage.reads],
        outputs=[_build_output(dataset) for dataset in lineage.writes],
    )


def _build_parent(namespace: str, lineage: StepLineage) -> parent_run.ParentRunFacet:
    """Build the workflow's run, whose id its name decides, so that steps share it without passing anything on.

    The namespace counts as well: the schedules of two clusters give their workflows the same names.
    """
    run_id = str(uuid5(NAMESPACE_URL, f"{namespace}/{lineage.workflow}"))
    job = parent_run.Job(namespace, WORKFLOWS.get(lineage.step, PRODUCT))
    return parent_run.ParentRunFacet(parent_run.Run(run_id), job)


def _build_input(dataset: LineageDataset) -> InputDataset:
    facets: dict[str, InputDatasetFacet] = {}
    if known := _get_statistics(dataset):
        facets["inputStatistics"] = input_statistics_input_dataset.InputStatisticsInputDatasetFacet(**known)
    return InputDataset(dataset.namespace, dataset.name, facets, facets=_build_dataset_facets(dataset))


def _build_output(dataset: LineageDataset) -> OutputDataset:
    facets: dict[str, OutputDatasetFacet] = {}
    if known := _get_statistics(dataset):
        facets["outputStatistics"] = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(**known)
    return OutputDataset(dataset.namespace, dataset.name, facets, facets=_build_dataset_facets(dataset))


def _get_statistics(dataset: LineageDataset) -> dict[str, Any]:
    found = {"rowCount": dataset.rows, "fileCount": dataset.files, "size": dataset.size}
    return {name: value for name, value in found.items() if value is not None}


def _build_dataset_facets(dataset: LineageDataset) -> dict[str, DatasetFacet]:
    source = datasource_dataset.DatasourceDatasetFacet(dataset.namespace, dataset.uri or None)
    facets: dict[str, DatasetFacet] = {"dataSource": source}
    if dataset.version:
        facets["version"] = dataset_version_dataset.DatasetVersionDatasetFacet(dataset.version)
    if dataset.columns:
        fields = [schema_dataset.SchemaDatasetFacetFields(name, kind) for name, kind in dataset.columns.items()]
        facets["schema"] = schema_dataset.SchemaDatasetFacet(fields)
    return facets
