"""An OTLP/HTTP endpoint for traces that keeps what it receives."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.http_server import serve

STATUS_ERROR = 2


class ReceivedSpan(NamedTuple):
    """A span, its attributes with those of its resource, and whether it is marked as failed; ids in hexadecimal."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    kind: int
    attributes: dict[str, Any]
    failed: bool
    events: int


class OtlpReceiver:
    """What arrived; `raw` are the bodies."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.raw: list[bytes] = []
        self.paths: list[str] = []

    def spans(self) -> list[ReceivedSpan]:
        """Return all spans so far, in the order of their start."""
        found = []
        for body in self.raw:
            for part in ExportTraceServiceRequest.FromString(body).resource_spans:
                resource = _read(part.resource.attributes)
                found += [(one, resource) for scope in part.scope_spans for one in scope.spans]
        found.sort(key=lambda pair: pair[0].start_time_unix_nano)
        return [
            ReceivedSpan(
                one.name,
                one.trace_id.hex(),
                one.span_id.hex(),
                one.parent_span_id.hex(),
                one.kind,
                resource | _read(one.attributes),
                one.status.code == STATUS_ERROR,
                len(one.events),
            )
            for one, resource in found
        ]


def _read(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


@contextmanager
def receiving() -> Iterator[OtlpReceiver]:
    """Receive spans on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.raw.append(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            received.paths.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    with serve(Handler) as server:
        received = OtlpReceiver(f"http://127.0.0.1:{server.server_port}")
        yield received
