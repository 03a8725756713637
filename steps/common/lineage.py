"""Lineage: what a step reads and writes, as OpenLineage events, if a sink is configured; else nothing is imported."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from steps.common.errors import SentinelError, find_storage_full

if TYPE_CHECKING:
    from steps.common.openlineage import StepRun

SINKS = ("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG")
"""The variables of which one must be set, or one of those below; all of them mean what OpenLineage's client says."""
TRANSPORT = "OPENLINEAGE__TRANSPORT__"
"""Prefix of the variables that describe a transport."""
DISABLED = "OPENLINEAGE_DISABLED"

_runs: "list[StepRun]" = []


class LineageDataset(NamedTuple):
    """What a step reads or writes, under OpenLineage's names: they stay, and what changes is the version.

    Args:
        namespace: the source, `scheme://host:port` or `file`, without user and password.
        name: its name there.
        version: a hash, an id or a number; empty if unknown.
        uri: the place of this version; empty where its source has no URI for it.
        rows: rows or documents; None if unknown.
        files: number of files; None if unknown.
        size: in bytes; None if unknown.
        columns: type by name.
    """

    namespace: str
    name: str
    version: str = ""
    uri: str = ""
    rows: int | None = None
    files: int | None = None
    size: int | None = None
    columns: Mapping[str, str] = {}


@dataclass
class StepLineage:
    """What is known of a step's run so far: its datasets, and its results as tags."""

    step: str
    workflow: str = ""
    commit: str = ""
    reads: list[LineageDataset] = field(default_factory=list)
    writes: list[LineageDataset] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)


def is_configured() -> bool:
    """Return whether a sink is configured."""
    if os.environ.get(DISABLED, "").strip().lower() == "true":
        return False
    named = any(os.environ.get(name, "").strip() for name in SINKS)
    return named or any(name.startswith(TRANSPORT) and value.strip() for name, value in os.environ.items())


@contextmanager
def record_step(step: str, workflow: str, commit: str) -> Iterator[None]:
    """Emit START, and at the end of a `with` block COMPLETE, FAIL or ABORT, if a sink is configured.

    Args:
        step: the job's name.
        workflow: the name of the workflow's run; empty for a step by itself.
        commit: the Git commit of the code; empty if unknown.
    """
    if not is_configured():
        yield
        return
    from steps.common.openlineage import StepRun

    run = StepRun(StepLineage(step, workflow, commit))
    _runs.append(run)
    try:
        yield
    except Exception as error:
        run.fail(_format_problem(error))
        raise
    except BaseException:
        run.abort()
        raise
    else:
        run.complete()
    finally:
        _runs.remove(run)


def describe(
    reads: Iterable[LineageDataset] = (),
    writes: Iterable[LineageDataset] = (),
    tags: Mapping[str, str] | None = None,
) -> None:
    """Add to what is known of the current step; its next event has it."""
    if _runs:
        known = _runs[-1].lineage
        known.reads += reads
        known.writes += writes
        known.tags |= tags or {}


def abort() -> None:
    """Emit ABORT for the current step, which is about to be killed."""
    if _runs:
        _runs[-1].abort()


def _format_problem(error: Exception) -> str:
    """Return our own words for an error; those of others may hold secrets or a pull request's text."""
    known = find_storage_full(error) or error
    return known.problem if isinstance(known, SentinelError) else f"Unexpected {type(error).__name__}."
