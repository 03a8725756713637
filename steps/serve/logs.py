"""The service's log: a JSON object a line, with no word that a caller has sent."""

import asyncio
import logging
import sys
import traceback
from types import TracebackType
from typing import Any

from steps.common.log import JsonFormatter

LOGGERS_WITH_HANDLERS = ("bentoml", "uvicorn", "uvicorn.error", "uvicorn.access", "circus")
"""Loggers that came with handlers of their own."""

Raised = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]

logger = logging.getLogger(__name__)


class DiscreetFormatter(JsonFormatter):
    """Of an exception it tells its kind and place; what it says may hold a pull request's text."""

    def formatException(self, ei: Raised) -> str:  # noqa: N802 - the name is the library's
        """The places of an exception and of what led to it."""
        return format_exception(ei[1]) if ei[1] else ""


def format_exception(error: BaseException) -> str:
    """An exception's kind and where it was raised, after those of its causes."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    before = f"{format_exception(cause)}\n" if cause else ""
    return f"{before}{''.join(traceback.format_tb(error.__traceback__))}{type(error).__qualname__}"


def configure() -> None:
    """Send all logging of this process to standard error this way; other packages speak from WARNING up."""
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
    """What the event loop says of an exception that nobody waits for; its own words would hold the exception's."""
    logger.error(str(context["message"]).partition("\n")[0], exc_info=context.get("exception"))
