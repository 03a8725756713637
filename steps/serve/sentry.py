"""Error reports to Sentry if SENTRY_DSN is set: type and traceback, nothing that a caller has sent."""

import logging
from collections.abc import Callable
from typing import Any

from steps.common.settings import ServeSettings

FLUSH_SECONDS = 2.0
SENT_PARTS = frozenset(
    {"event_id", "timestamp", "platform", "level", "logger", "logentry", "exception", "server_name", "sdk"}
)
"""The fields of an event that are sent."""

logger = logging.getLogger(__name__)


def start(settings: ServeSettings) -> Callable[[], None]:
    """Report logged errors from now on; without a valid DSN nothing is reported.

    Returns:
        A function that flushes and stops reporting.
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
        logger.error("SENTRY_DSN is not valid, so errors are not reported")  # noqa: TRY400 - the traceback holds the key
    return stop


def scrub_event(event: Any, _: dict[str, Any]) -> Any:
    """Remove from an event whatever may hold a text: unknown fields and exceptions' messages."""
    kept = {name: value for name, value in event.items() if name in SENT_PARTS}
    for exception in kept.get("exception", {}).get("values", []):
        exception["value"] = ""
    if "logentry" in kept:
        kept["logentry"] = {"message": kept["logentry"].get("message", "")}
    return kept
