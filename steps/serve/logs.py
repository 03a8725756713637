"""The service's log: one JSON object per line, without any text that a caller has sent."""

import asyncio
import logging
import sys
import traceback
from types import TracebackType
from typing import Any

from steps.common.log import JsonFormatter

LOGGERS_WITH_HANDLERS = ("bentoml", "uvicorn", "uvicorn.error", "uvicorn.access", "circus")
"""Loggers that come with handlers of their own."""

Raised = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]

logger = logging.getLogger(__name__)


class DiscreetFormatter(JsonFormatter):
    """Log an exception's type and traceback without its message, which may hold a pull request's text."""

    def formatException(self, ei: Raised) -> str:  # noqa: N802 - the name is the library's
        """Return the traceback of an exception and of its causes."""
        return format_exception(ei[1]) if ei[1] else ""


def format_exception(error: BaseException) -> str:
    """Return an exception's traceback and type, after those of its causes, without messages."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    before = f"{format_exception(cause)}\n" if cause else ""
    return f"{before}{''.join(traceback.format_tb(error.__traceback__))}{type(error).__qualname__}"


def configure() -> None:
    """Send all logs of this process to standard error in this format; other packages log from WARNING up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(DiscreetFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in LOGGERS_WITH_HANDLERS:
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("steps").setLevel(logging.INFO)
    logging.captureWarnings(True)


def log_unretrieved(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log an exception that nobody awaited; the event loop's own handler would log its message."""
    logger.error(str(context["message"]).partition("\n")[0], exc_info=context.get("exception"))
