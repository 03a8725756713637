"""How a workflow ended, as one log line and one record in the store."""

import json
import logging
import re
from typing import Any

from steps.common.errors import ConfigurationError
from steps.common.settings import StoreSettings, load
from steps.common.store import open_store

logger = logging.getLogger(__name__)
FOLDER = "runs"
MAX_QUOTING = 3
"""Argo's failures are JSON in a JSON string; once more where they pass through a parameter."""


def record(workflow: str, status: str, failures: str) -> None:
    """Log how it ended, and keep that as `runs/<workflow>.json`; doing so twice leaves the same record.

    Args:
        workflow: its name.
        status: Argo's word: Succeeded, Failed or Error.
        failures: Argo's `{{workflow.failures}}`; what can't be read of it is kept as text.

    Raises:
        ConfigurationError: the name is none that a workflow can have.
    """
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", workflow):
        raise ConfigurationError(f"{workflow!r} is no name of a workflow.", advice="Give {{workflow.name}}.")
    ended = {"workflow": workflow, "status": status, "failures": _parse_failures(failures)}
    logger.info("workflow ended", extra=ended)
    open_store(load(StoreSettings)).write(f"{FOLDER}/{workflow}.json", f"{json.dumps(ended, indent=1)}\n".encode())


def _parse_failures(text: str) -> list[dict[str, str]]:
    """Each failed task and its message."""
    found = _unquote(text.strip())
    if found in (None, "", []):
        return []
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        return [{"task": "", "message": text}]
    return [
        {"task": str(entry.get("displayName") or ""), "message": str(entry.get("message") or "")} for entry in found
    ]


def _unquote(text: str) -> Any:
    found: Any = text
    for _ in range(MAX_QUOTING):
        try:
            found = json.loads(found) if isinstance(found, str) else found
        except ValueError:
            break
    return found
