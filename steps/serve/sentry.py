"""Errors to Sentry, where SENTRY_DSN names one: their kind and place, and nothing that a caller has sent."""

import logging
from collections.abc import Callable
from typing import Any

from steps.common.settings import ServeSettings

FLUSH_SECONDS = 2.0
SENT_PARTS = frozenset(
    {"event_id", "timestamp", "platform", "level", "logger", "logentry", "exception", "server_name", "sdk"}
)
"""The parts of an event that are sent."""

logger = logging.getLogger(__name__)


def start(settings: ServeSettings) -> Callable[[], None]:
    """Report from now on what is logged as an error; without a usable address nothing is reported.

    Returns:
        What sends the rest and ends it.
    """
    if settings.sentry_dsn is None:
        return lambda: None
    import sentry_sdk
    from sentry_sdk.integrations.dedupe import DedupeIntegration
    from sentry_sdk.integrations.logging import LoggingIntegration
    from sentry_sdk.utils import BadDsn

    def stop() -> None:
        sentry_sdk.get_client().close(FLUSH_SECONDS)
        sentry_sdk.get_global_scope().set_client(None)

    try:
        sentry_sdk.init(
            dsn=settings.sentry_dsn.get_secret_value(),
            max_request_body_size="never",
            include_local_variables=False,
            max_breadcrumbs=0,
            default_integrations=False,
            auto_enabling_integrations=False,
            integrations=[LoggingIntegration(level=None, event_level=logging.ERROR), DedupeIntegration()],
            before_send=scrub_event,
        )
    except BadDsn:
        logger.error("SENTRY_DSN can't be used, so errors are not reported")  # noqa: TRY400 - the trace holds the key
    return stop


def scrub_event(event: Any, _: dict[str, Any]) -> Any:
    """An event without whatever may hold a text: only parts that are known stay, and no exception's words."""
    kept = {name: value for name, value in event.items() if name in SENT_PARTS}
    for exception in kept.get("exception", {}).get("values", []):
        exception["value"] = ""
    if "logentry" in kept:
        kept["logentry"] = {"message": kept["logentry"].get("message", "")}
    return kept
