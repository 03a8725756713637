"""`POST /webhook`: check that a delivery comes from GitHub, keep it, answer at once; the work is done behind."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from fastapi import APIRouter, Request
from pydantic import BaseModel, ValidationError
from pymongo.errors import PyMongoError
from starlette.responses import JSONResponse, Response

from steps.serve.contract import ApiModel, FieldProblem
from steps.serve.http.problems import RequestRefused, describe_responses, format_location, reject_fields
from steps.serve.webhooks import events
from steps.serve.webhooks.deliveries import Deliveries

KEEP_TIMEOUT_SECONDS = 0.7
"""Within which a delivery has to be kept; GitHub wants an answer soon."""

AnyEvent = TypeVar("AnyEvent", bound=BaseModel)
logger = logging.getLogger(__name__)


class DeliveryReceipt(ApiModel):
    """What became of a delivery."""

    status: str


class WebhookResponse(NamedTuple):
    """A status, and what became of the delivery."""

    status: int
    said: str


class DisabledReceiver:
    """Takes no deliveries, and says why."""

    def __init__(self, why: str) -> None:
        self._why = why

    async def receive(self, headers: Mapping[str, str], raw: bytes) -> WebhookResponse:
        """Take none.

        Raises:
            Refused: always.
        """
        raise RequestRefused(503, f"This service takes no webhooks. {self._why}")


class Receiver:
    """Takes deliveries; `call` tells whoever works on them that there is one."""

    def __init__(self, secret: bytes, deliveries: Deliveries, wake_worker: Callable[[], None]) -> None:
        self._secret = secret
        self._deliveries = deliveries
        self._wake_worker = wake_worker

    async def receive(self, headers: Mapping[str, str], raw: bytes) -> WebhookResponse:
        """Check a delivery and keep it; nothing of it is read before its signature is found right.

        Args:
            headers: by their names in any case, as Starlette has them.
            raw: the body, byte for byte.

        Raises:
            Refused: it does not come from GitHub, lacks something, or can't be kept.
        """
        if not events.is_genuine(self._secret, raw, headers.get("x-hub-signature-256")):
            raise RequestRefused(
                401, "X-Hub-Signature-256 does not fit: the webhook needs the secret that this service has."
            )
        notice = _read_notice(headers, raw)
        return await self._keep(notice) if isinstance(notice, events.Notice) else notice

    async def _keep(self, notice: events.Notice) -> WebhookResponse:
        try:
            async with asyncio.timeout(KEEP_TIMEOUT_SECONDS):
                new = await self._deliveries.keep(notice)
        except (PyMongoError, TimeoutError) as error:
            extra = {"delivery": notice.delivery, "error": type(error).__name__}
            logger.error("a delivery could not be kept", extra=extra)  # noqa: TRY400 - the trace says no more
            said = "MongoDB does not answer, so this was not kept. Redeliver it once it is back."
            raise RequestRefused(503, said) from None
        if not new:
            return WebhookResponse(200, "already received")
        self._wake_worker()
        return WebhookResponse(202, "accepted")


def _read_notice(headers: Mapping[str, str], raw: bytes) -> events.Notice | WebhookResponse:
    """What a genuine delivery says, or the answer where nothing is to be done.

    Raises:
        Refused: it lacks something.
    """
    kind, delivery = headers.get("x-github-event"), headers.get("x-github-delivery", "")
    if kind is None:
        raise RequestRefused(400, "X-GitHub-Event is missing.")
    if kind == "ping":
        return WebhookResponse(200, "pong")
    if kind != "pull_request":
        return WebhookResponse(202, "ignored: only pull_request events matter here")
    if _parse_event(events.EventAction, raw).action not in events.ACTIONS:
        return WebhookResponse(202, "ignored: after this action a pull request scores as before")
    if events.DELIVERY.fullmatch(delivery) is None:
        raise RequestRefused(400, "X-GitHub-Delivery is missing, or not as GitHub writes it.")
    return events.Notice.from_event(delivery, _parse_event(events.PullRequestEvent, raw))


def _parse_event(model: type[AnyEvent], raw: bytes) -> AnyEvent:
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
    if found[0]["type"] == "json_invalid":
        raise RequestRefused(400, f"The body is no JSON: {found[0]['msg']}.")
    fields = [FieldProblem(field=format_location(one["loc"]), problem=one["msg"]) for one in found]
    raise reject_fields(fields, "This is not the payload of a pull_request event.")


HEADERS = {
    "X-Hub-Signature-256": "`sha256=` and the HMAC-SHA256 of the body by the webhook's secret",
    "X-GitHub-Event": "the kind of event; all but `pull_request` and `ping` are ignored",
    "X-GitHub-Delivery": "the delivery's id; one that was received is not received again",
}
EXAMPLE = {
    "action": "opened",
    "number": 12,
    "pull_request": {"head": {"sha": "ec26c3e57ca3a959ca5aad62de7213c562f8c821"}},
    "repository": {"full_name": "owner/name"},
    "installation": {"id": 1},
}
OPENAPI_EXTRA = {
    "parameters": [
        {"name": name, "in": "header", "required": True, "description": text, "schema": {"type": "string"}}
        for name, text in HEADERS.items()
    ],
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object"}, "example": EXAMPLE}},
    },
}
STATUSES: dict[int | str, dict[str, Any]] = {
    200: {"model": DeliveryReceipt, "description": "A ping, or a delivery that was received before"},
    202: {"model": DeliveryReceipt, "description": "Accepted to be worked on, or ignored"},
}

router = APIRouter(tags=["webhook"])


@router.post(
    "/webhook",
    status_code=202,
    responses=STATUSES | describe_responses(400, 401, 408, 413, 415, 422, 503),
    openapi_extra=OPENAPI_EXTRA,
)
async def webhook(request: Request) -> Response:
    """Take a delivery of a GitHub App's or a repository's webhook; the answer does not wait for the work."""
    receiver: Receiver | DisabledReceiver = request.app.state.webhook
    status, said = await receiver.receive(request.headers, await request.body())
    return JSONResponse(DeliveryReceipt(status=said).model_dump(), status)
