"""What traces cost a request: the application with and without them in turns, `python -m benchmarks.tracing`.

Everything runs in this process, without a server, on a small model of the real features. Spans are encoded and sent,
to another process that takes them; the CPU time includes that.
"""

import asyncio
import json
import multiprocessing
import os
import socket
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from unittest import mock

import numpy as np
from fastapi import FastAPI
from starlette.types import Message

from samples import raw
from steps.common.settings import ServeSettings
from steps.serve import logs, spans
from steps.serve.app import create_app
from tests.support import builders, pulls

if TYPE_CHECKING:
    from multiprocessing.sharedctypes import Synchronized

OFF = "without traces"
ENDPOINT, SAMPLER = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_TRACES_SAMPLER"
REPOSITORY = "example/webshop"
ROUNDS = 16
REQUESTS = 200
"""Requests in a row; their spans are sent after the last."""
RESAMPLES = 2_000


class RequestCost(NamedTuple):
    """A request's median response time and its CPU time [ms]."""

    p50: float
    cpu: float


class Sink(BaseHTTPRequestHandler):
    """Takes spans, and counts what it gets."""

    protocol_version = "HTTP/1.1"
    received: "Synchronized[int]"

    def do_POST(self) -> None:
        """Answer as a collector does."""
        self.rfile.read(int(self.headers["Content-Length"]))
        with self.received:
            self.received.value += 1
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def main() -> None:
    """Measure and print."""
    bodies = [json.dumps({"pull_requests": [pull]}).encode() for pull in raw.build_newest(100)]
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name, Path(os.devnull).open("w") as nowhere:
        builders.fitted(Path(name) / "model", pulls.pulls(600, REPOSITORY))
        with redirect_stderr(nowhere):
            logs.configure()
        settings = ServeSettings(model_dir=Path(name) / "model")
        with run_sink() as endpoint:
            ways = {
                OFF: {ENDPOINT: ""},
                "one request in ten, the default": {ENDPOINT: endpoint, SAMPLER: ""},
                "every request": {ENDPOINT: endpoint, SAMPLER: "parentbased_always_on"},
            }
            print_rounds(asyncio.run(measure(create_app(lambda: settings), ways, bodies)))


@contextmanager
def run_sink() -> Iterator[str]:
    """Run a process that takes spans, and yield its URL.

    Raises:
        RuntimeError: it has received none.
    """
    context = multiprocessing.get_context("spawn")
    received = context.Value("i", 0)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        process = context.Process(target=take_spans, args=(listening, received), daemon=True)
        process.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            process.kill()
    if not received.value:
        raise RuntimeError("No span was received.")


def take_spans(listening: socket.socket, received: "Synchronized[int]") -> None:
    """Take spans until this process is killed."""
    Sink.received = received
    server = HTTPServer(listening.getsockname(), Sink, bind_and_activate=False)
    server.socket.close()
    server.socket = listening
    server.serve_forever()


async def measure(
    app: FastAPI, ways: Mapping[str, Mapping[str, str]], bodies: Sequence[bytes]
) -> list[dict[str, RequestCost]]:
    """Return the figures of each way by round; their order changes with every round."""
    rounds = []
    async with app.router.lifespan_context(app):
        for turn in range(-1, ROUNDS):
            names = [*ways][turn % len(ways) :] + [*ways][: turn % len(ways)]
            found = {name: await measure_requests(app, ways[name], bodies) for name in names}
            rounds += [found] if turn >= 0 else []  # the first one warms up
    return rounds


async def measure_requests(app: FastAPI, settings: Mapping[str, str], bodies: Sequence[bytes]) -> RequestCost:
    """Measure requests with these settings for traces."""
    with mock.patch.dict(os.environ, settings):
        stop = spans.start(app.state.runtime.scorer.name)
    times, began = [], time.process_time()
    for place in range(REQUESTS):
        start = time.perf_counter()
        await request(app, bodies[place % len(bodies)])
        times.append(time.perf_counter() - start)
    stop()
    return RequestCost(1_000 * statistics.median(times), 1_000 * (time.process_time() - began) / REQUESTS)


async def request(app: FastAPI, body: bytes) -> None:
    """Send one request to the application, as a server does.

    Raises:
        RuntimeError: it failed.
    """
    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "scheme": "http", "path": "/score", "query_string": b""}

    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    async def send(message: Message) -> None:
        if message.get("status", 200) != 200:
            raise RuntimeError(f"A request got {message['status']}.")

    await app(scope | {"headers": headers}, receive, send)


def print_rounds(rounds: Sequence[Mapping[str, RequestCost]]) -> None:
    """Print a line for each way; the ratios are those to the figures without traces in the same round."""
    print("| traces | p50 ms | ratio | CPU ms per request | ratio |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name in rounds[0]:
        cells = []
        for field in range(2):
            cells.append(f"{statistics.median(one[name][field] for one in rounds):.3f}")
            ratios = [one[name][field] / one[OFF][field] for one in rounds]
            cells.append(format_median(ratios) if name != OFF else "")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def format_median(values: Sequence[float]) -> str:
    """Format the median, with its 95 % bootstrap interval in brackets."""
    drawn = np.random.default_rng(0).choice(values, (RESAMPLES, len(values)))
    low, high = np.quantile(np.median(drawn, axis=1), (0.025, 0.975))
    return f"{statistics.median(values):.3f} ({low:.3f} to {high:.3f})"


if __name__ == "__main__":
    main()
