"""`POST /webhook`: verify that a delivery comes from GitHub, store it, and answer at once; a worker processes it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

from fastapi import APIRouter, Request
from pydantic import BaseModel, ValidationError
from pymongo.errors import PyMongoError
from starlette.responses import JSONResponse, Response

from steps.common import tracing
from steps.serve import spans
from steps.serve.contract import ApiModel, FieldProblem
from steps.serve.http.parsing import parse_json
from steps.serve.http.problems import RequestRefused, describe_responses, format_location, reject_fields
from steps.serve.policy import PATH
from steps.serve.webhooks import events
from steps.serve.webhooks.deliveries import Arrival, DeliveryQueue
from steps.serve.webhooks.repositories import WebhookRepositories

ENQUEUE_TIMEOUT_SECONDS = 5.0
"""Time to store a delivery; GitHub waits ten seconds for the response."""

MAX_OPENINGS = 100_000
"""Of objects and lists in a delivery; brackets in texts count too, and a description has room for 65,536."""

AnyEvent = TypeVar("AnyEvent", bound=BaseModel)
Stored = TypeVar("Stored")
logger = logging.getLogger(__name__)


class DeliveryReceipt(ApiModel):
    """The outcome of receiving a delivery."""

    status: str


class WebhookResponse(NamedTuple):
    """An HTTP status, and the outcome for the sender."""

    status: int
    text: str


_Delivered = events.Notice | events.Ballot | events.PushEvent | events.PingEvent | WebhookResponse


class DisabledReceiver:
    """Refuses every delivery, with the reason."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    async def receive(self, headers: Mapping[str, str], raw: bytes) -> WebhookResponse:
        """Refuse the delivery.

        Raises:
            RequestRefused: always.
        """
        raise RequestRefused(503, f"Webhooks are disabled. {self._reason}")


class Receiver:
    """Receives deliveries that are signed with one of the secrets.

    `wake_worker` is called after each that was stored; `forget_policy` is awaited with a repository whose rules may
    have changed.
    """

    def __init__(
        self,
        secrets: Sequence[bytes],
        deliveries: DeliveryQueue,
        repositories: WebhookRepositories,
        wake_worker: Callable[[], None],
        forget_policy: Callable[[str], Awaitable[None]],
    ) -> None:
        self._secrets = secrets
        self._deliveries = deliveries
        self._repositories = repositories
        self._wake_worker = wake_worker
        self._forget_policy = forget_policy
        self._reading = asyncio.Lock()

    async def receive(self, headers: Mapping[str, str], raw: bytes) -> WebhookResponse:
        """Verify and store a delivery; nothing of it is parsed before its signature is verified.

        Args:
            headers: by their names in any case, as Starlette has them.
            raw: the body, byte for byte.

        Raises:
            RequestRefused: it is not from GitHub, lacks a field, or can't be stored.
        """
        # One at a time, and what else waits has its turn before the next.
        async with self._reading:
            if not events.is_genuine(self._secrets, raw, headers.get("x-hub-signature-256")):
                raise RequestRefused(
                    401, "X-Hub-Signature-256 does not match: set the webhook's secret to the service's WEBHOOK_SECRET."
                )
            notice = _read_notice(headers, raw)
            await asyncio.sleep(0)
        match notice:
            case events.Notice():
                return await self._enqueue(notice)
            case events.Ballot(vote, voter):
                return await self._enqueue(vote, voter)
            case events.PushEvent():
                return await self._receive_push(notice)
            case events.PingEvent():
                return await self._receive_ping(notice)
            case _:
                return notice

    async def _enqueue(self, notice: events.Notice, voter: events.Voter | None = None) -> WebhookResponse:
        tracing.describe(spans.describe_notice(notice))
        arrival = await _store(self._deliveries.enqueue(notice, voter), notice.delivery)
        await _store(self._repositories.note([(notice.repository, notice.installation)]), notice.delivery)
        if arrival is Arrival.NEW:
            self._wake_worker()
        return _acknowledge(notice, arrival)

    async def _receive_ping(self, ping: events.PingEvent) -> WebhookResponse:
        """Note a repository whose webhook was just created; its pull requests are swept from now on."""
        if ping.repository is not None:
            with suppress(RequestRefused):  # its first delivery is noted too
                await _store(self._repositories.note([(ping.repository.full_name, None)]), "ping")
        return WebhookResponse(200, "pong")

    async def _receive_push(self, push: events.PushEvent) -> WebhookResponse:
        """Note that the repository's rules may have changed."""
        if not push.may_change(PATH):
            return WebhookResponse(202, f"ignored: this push does not change {PATH}")
        repository = push.repository.full_name
        await _store(self._forget_policy(repository), f"push to {repository}")
        return WebhookResponse(202, "accepted")


def _acknowledge(notice: events.Notice, arrival: Arrival) -> WebhookResponse:
    """Return the response to a delivery that was stored, or was stored before."""
    if arrival is Arrival.SAME_ID:
        return WebhookResponse(200, "already received")
    if notice.action in events.LABEL_ACTIONS:
        return WebhookResponse(202, f"ignored, unless {PATH} mutes by labels")
    return WebhookResponse(202, "accepted" if arrival is Arrival.NEW else "accepted before, under another delivery id")


async def _store(work: Awaitable[Stored], delivery: str) -> Stored:
    """Await a write to MongoDB.

    Raises:
        RequestRefused: MongoDB does not answer in time.
    """
    try:
        async with asyncio.timeout(ENQUEUE_TIMEOUT_SECONDS):
            return await work
    except (PyMongoError, TimeoutError) as error:
        extra = {"delivery": delivery, "error": type(error).__name__}
        logger.error("could not store a delivery", extra=extra)  # noqa: TRY400 - the traceback adds nothing
        text = "MongoDB does not answer, so the delivery was not stored. It is found later, or redeliver it."
        raise RequestRefused(503, text) from None


def _read_notice(headers: Mapping[str, str], raw: bytes) -> _Delivered:
    """Parse a verified delivery, or return the response if there is nothing to do.

    Raises:
        RequestRefused: it lacks a header or a field.
    """
    match headers.get("x-github-event"):
        case None:
            raise RequestRefused(400, "X-GitHub-Event is missing.")
        case "ping":
            return _validate(events.PingEvent, _parse(raw))
        case "push":
            return _validate(events.PushEvent, _parse(raw))
        case "pull_request":
            return _read_pull_request(headers, raw)
        case "check_run":
            return _read_ballot(headers, _parse(raw))
        case _:
            return WebhookResponse(202, "ignored: only pull_request, push and check_run events are processed")


def _read_pull_request(headers: Mapping[str, str], raw: bytes) -> events.Notice | WebhookResponse:
    content = _parse(raw)
    if _validate(events.EventAction, content).action not in events.ACTIONS:
        return WebhookResponse(202, "ignored: this action does not change a pull request's score")
    delivery = _read_delivery(headers)
    return events.Notice.from_event(delivery, _validate(events.PullRequestEvent, content), raw)


def _read_ballot(headers: Mapping[str, str], content: Any) -> events.Ballot | WebhookResponse:
    event = _validate(events.ButtonEvent, content)
    if event.action != "requested_action" or event.requested_action is None:
        return WebhookResponse(202, "ignored: no button was pressed")
    if event.requested_action.identifier not in events.VOTES:
        return WebhookResponse(202, "ignored: it is not a button of this service")
    return events.Ballot.from_event(_read_delivery(headers), _validate(events.CheckRunEvent, content))


def _read_delivery(headers: Mapping[str, str]) -> str:
    delivery = headers.get("x-github-delivery", "")
    if events.DELIVERY.fullmatch(delivery) is None:
        raise RequestRefused(400, "X-GitHub-Delivery is missing or not a valid delivery id.")
    return delivery


def _parse(raw: bytes) -> Any:
    """Parse a delivery, unless it would take long.

    Raises:
        RequestRefused: it is malformed, or has too many objects and lists.
    """
    if raw.count(b"{") + raw.count(b"[") > MAX_OPENINGS:
        raise RequestRefused(413, f"The delivery has more than {MAX_OPENINGS:,} objects and lists.")
    return parse_json(raw)


def _validate(model: type[AnyEvent], content: Any) -> AnyEvent:
    try:
        return model.model_validate(content)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
    fields = [FieldProblem(field=format_location(one["loc"]), problem=one["msg"]) for one in found]
    raise reject_fields(fields, "This is not the payload of such an event.")


HEADERS = {
    "X-Hub-Signature-256": "`sha256=` and the HMAC-SHA256 of the body, keyed with the webhook's secret",
    "X-GitHub-Event": "the name of the event; all but `pull_request`, `push`, `check_run` and `ping` are ignored",
    "X-GitHub-Delivery": "the delivery's id; a repeated one, or a repeated body, is not processed again",
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
    200: {"model": DeliveryReceipt, "description": "A ping, or a delivery whose id was already received"},
    202: {"model": DeliveryReceipt, "description": "Accepted for processing, now or before, or ignored"},
}

router = APIRouter(tags=["webhook"])


@router.post(
    "/webhook",
    status_code=202,
    responses=STATUSES | describe_responses(400, 401, 408, 413, 415, 422, 503),
    openapi_extra=OPENAPI_EXTRA,
)
async def webhook(request: Request) -> Response:
    """Receive a delivery of a GitHub App's or a repository's webhook; the response does not wait for the work."""
    receiver: Receiver | DisabledReceiver = request.app.state.webhook
    status, text = await receiver.receive(request.headers, await request.body())
    return JSONResponse(DeliveryReceipt(status=text).model_dump(), status)
