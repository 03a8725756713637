"""Small services on this machine that answer as PR Sentinel does, or wrong in one way, to try the load test on."""

import asyncio
import json
import math
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import uvicorn

DIGEST = "a" * 64
ANOTHER = "b" * 64
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Service:
    """A good one; what differs in a bad one is said by overriding."""

    delay = 0.001
    header = DIGEST
    body = DIGEST

    def __init__(self) -> None:
        self.requests = count(1)

    def status(self) -> int:
        """The status of the next answer."""
        return 200

    def results(self, results: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """What is answered instead of these right results."""
        return results

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer `/model` and `/score`."""
        if scope["type"] == "lifespan":
            return
        if scope["path"] == "/model":
            await _send(send, 200, DIGEST, {"digest": DIGEST})
            return
        content = b""
        while (message := await receive()).get("more_body") or message.get("body"):
            content += message["body"]
            if not message["more_body"]:
                break
        await asyncio.sleep(self.delay)
        results = [_result(pull) for pull in json.loads(content)["pull_requests"]]
        answer = {"model": {"digest": self.body}, "results": self.results(results)}
        await _send(send, self.status(), self.header, answer)


class Slow(Service):
    """Takes its time."""

    delay = 0.5


class Failing(Service):
    """Fails at each twentieth request, at once."""

    def status(self) -> int:
        """Now and then an error."""
        return 500 if next(self.requests) % 20 == 0 else 200


class WrongInBody(Service):
    """Answers come from another model than `/model` tells."""

    body = ANOTHER


class WrongInHeader(Service):
    """The header names another model than the body."""

    header = ANOTHER


class Missing(Service):
    """Leaves a result out where there are several."""

    def results(self, results: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """All but the last."""
        return results[:-1] or results


class NotANumber(Service):
    """Scores are NaN."""

    def results(self, results: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The same without a score."""
        return [result | {"score": math.nan} for result in results]


class Reordered(Service):
    """Mixes up which result is whose."""

    def results(self, results: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The other way round."""
        return results[::-1]


class Silent(Service):
    """Takes requests and never answers."""

    delay = 3_600


@contextmanager
def running(service: Service) -> Iterator[str]:
    """Serve it on a free port; yields the address."""
    server = uvicorn.Server(uvicorn.Config(service, port=0, log_level="error", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield "http://{}:{}".format(*server.servers[0].sockets[0].getsockname())
    finally:
        server.should_exit = True
        thread.join()


def _result(pull: dict[str, Any]) -> dict[str, Any]:
    name = f"{pull['base']['repo']['full_name']}#{pull['number']}"
    numbers = {"score": 1.5, "percentile": 50.0, "threshold": 6.0}
    return {"id": name, "level": "standard", "unusual": False, "reasons": ["changes 3 lines"], **numbers}


async def _send(send: Send, status: int, digest: str, content: Any) -> None:
    body = json.dumps(content).encode()
    headers = [(b"content-type", b"application/json"), (b"x-model-digest", digest.encode())]
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
