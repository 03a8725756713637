"""Logging as one JSON object a line, and the frame every step runs in."""

import errno
import json
import logging
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from steps.common.errors import SentinelError, StorageFull

TERMINATION_LOG = Path("/dev/termination-log")
"""A file that Kubernetes puts into containers; what stands there, it shows (and so does Argo) as why one has ended."""

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON: time, level, logger, message, and whatever `extra` carried."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; values that JSON doesn't know are written as text."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **{key: value for key, value in vars(record).items() if key not in _STANDARD},
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


def configure(level: int = logging.INFO) -> None:
    """Send all logging to standard error as JSON lines; libraries speak from WARNING up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("steps").setLevel(level)


@contextmanager
def step(name: str) -> Iterator[logging.Logger]:
    """Run a step's body: log its start, end and seconds, and turn a known error into one line and its exit code.

    Raises:
        SystemExit: with the error's exit code, after the line that says what was wrong and what to do.
    """
    configure()
    logger = logging.getLogger(f"steps.{name}")
    started = time.monotonic()
    before = signal.signal(signal.SIGTERM, _told_to_end)
    logger.info("started")
    try:
        yield logger
    except SentinelError as error:
        _end(logger, error)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            _end(logger, StorageFull(f"No space left: {error}.", advice="Free some space and run it again."))
        # Its words may tell what is for the log alone.
        _tell(f"{type(error).__name__}, which nobody has thought of. The log has its trace.")
        raise
    finally:
        signal.signal(signal.SIGTERM, before)
    logger.info("finished", extra={"seconds": round(time.monotonic() - started, 3)})


def _told_to_end(number: int, _: object) -> None:
    """End at once, as without this, but not without a word."""
    _tell("Told to end, as where its node is drained. What was kept until then, the next try goes on from.")
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)


def _end(logger: logging.Logger, error: SentinelError) -> NoReturn:
    logger.error(error.problem, extra={"error": type(error).__name__, "advice": error.advice})
    _tell(str(error))
    raise SystemExit(error.exit_code) from error


def _tell(words: str) -> None:
    """Leave them where Kubernetes looks, if it is there."""
    with suppress(OSError):
        if TERMINATION_LOG.exists():
            TERMINATION_LOG.write_text(words)
