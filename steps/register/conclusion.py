"""The end of a workflow, as one log line and one record in the store."""

import json
import logging
import re
from collections.abc import Mapping
from typing import Any

from steps.common.errors import AccessRefused, ConfigurationError
from steps.common.settings import StoreSettings, load
from steps.common.store import open_store

logger = logging.getLogger(__name__)
FOLDER = "runs"
REFUSED = re.compile(rf"exit code {AccessRefused.exit_code}\b")
"""The message of a task that ended with that exit code."""
MAX_QUOTING = 3
"""Levels of JSON strings: Argo quotes failures once, and again if they pass through a parameter."""


def record(workflow: str, status: str, failures: str, images: Mapping[str, str]) -> int:
    """Log how a workflow ended and store it as `runs/<workflow>.json`; repeating this leaves the same record.

    Args:
        workflow: the name of the workflow.
        status: Argo's phase: Succeeded, Failed or Error.
        failures: Argo's `{{workflow.failures}}`; if it can't be parsed, it is kept as text.
        images: the images of its steps, by step; none on a machine without images.

    Returns:
        The number of tasks to which a token, role or key was refused.

    Raises:
        ConfigurationError: it is not a valid workflow name.
    """
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", workflow):
        raise ConfigurationError(f"{workflow!r} is not a valid workflow name.", advice="Pass {{workflow.name}}.")
    failed = _parse_failures(failures)
    ended = {"workflow": workflow, "status": status, "failures": failed, "images": dict(images)}
    logger.info("workflow ended", extra=ended)
    open_store(load(StoreSettings)).write(f"{FOLDER}/{workflow}.json", f"{json.dumps(ended, indent=1)}\n".encode())
    return len({task["task"].partition("(")[0] for task in failed if REFUSED.search(task["message"])})


def _parse_failures(text: str) -> list[dict[str, str]]:
    """Parse the failed tasks and their messages."""
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
