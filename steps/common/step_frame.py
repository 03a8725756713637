"""The frame that every step runs in: logging, exit codes, and the reason of a failure for Kubernetes."""

import logging
import os
import signal
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import NoReturn

from steps.common import lineage, log, tracing
from steps.common.errors import SentinelError, find_storage_full
from steps.common.proxies import prepare_environment
from steps.common.tracing import PREFIX

WORKFLOW = "WORKFLOW_NAME"
"""The environment variable with the name of the workflow that a step belongs to."""
TERMINATION_LOG = Path("/dev/termination-log")
"""The file whose content Kubernetes, and so Argo, shows as the reason why a container ended."""


@contextmanager
def run_step(name: str) -> Iterator[logging.Logger]:
    """Run a step's body: log its start, end and duration, and turn a known error into one line and an exit code.

    Raises:
        SystemExit: with the error's exit code, after the line that says what was wrong and what to do.
    """
    log.configure()
    prepare_environment()
    logger = logging.getLogger(f"steps.{name}")
    started = time.monotonic()
    previous_handler = signal.signal(signal.SIGTERM, _handle_sigterm)
    logger.info("started")
    try:
        with _trace_step(name), _record_lineage(name):
            yield logger
    except SentinelError as error:
        _exit(logger, find_storage_full(error) or error)
    except Exception as error:
        if full := find_storage_full(error):
            _exit(logger, full)
        # The error's own message may hold secrets: it belongs in the log only.
        _write_termination_log(f"Unexpected {type(error).__name__}. See the log for its traceback.")
        raise
    finally:
        signal.signal(signal.SIGTERM, previous_handler)
    logger.info("finished", extra={"seconds": round(time.monotonic() - started, 3)})


@contextmanager
def _trace_step(name: str) -> Iterator[None]:
    """Record the step as a span; those of one workflow share a trace."""
    run, commit = os.environ.get(WORKFLOW), os.environ.get("GIT_COMMIT")
    attributes = {f"{PREFIX}step": name, f"{PREFIX}workflow": run, "service.version": commit}
    known = {key: value for key, value in attributes.items() if value}
    stop = tracing.start(f"pr-sentinel-{name}", known, run)
    try:
        with tracing.start_span(name, {}):
            yield
    finally:
        stop()


def _record_lineage(name: str) -> AbstractContextManager[None]:
    """Record the step as a run of OpenLineage; those of one workflow have it as their parent."""
    commit = os.environ.get("GIT_COMMIT", "")
    return lineage.record_step(name, os.environ.get(WORKFLOW, ""), "" if commit == "unknown" else commit)


def _handle_sigterm(number: int, _: object) -> None:
    """End at once, as without a handler, but leave the reason."""
    _write_termination_log(
        "Received SIGTERM (for example, the node is being drained). The next attempt continues from what was saved."
    )
    lineage.abort()
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)


def _exit(logger: logging.Logger, error: SentinelError) -> NoReturn:
    logger.error(error.problem, extra={"error": type(error).__name__, "advice": error.advice})
    _write_termination_log(str(error))
    raise SystemExit(error.exit_code) from error


def _write_termination_log(text: str) -> None:
    """Write the text to the termination log, if there is one."""
    with suppress(OSError):
        if TERMINATION_LOG.exists():
            TERMINATION_LOG.write_text(text)
