"""The stand-in as a server on this machine: `python -m samples.server --port 0 --port-file FILE`.

While it runs, `POST /_control` takes `{"next": ["502", "drop"], "latency_ms": 50, "retry_after": 2, "heavy_above": 30,
"now": "2026-01-01T00:00:00Z", "change": {"example/docs#3": {"title": "Other"}}, "app": {"id": 7, "public_key": PEM}}`,
each of them optional; `POST /_reset` takes it all back, `GET /_stats` tells what was asked, and `GET /_written` which
comments, check runs and pull requests were written, and which workflows were asked for.
"""

import argparse
import json
import math
import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from samples import graph, rest
from samples.drafts import END
from samples.faults import Faults
from samples.generate import repositories
from samples.identities import App, Identities, Identity
from samples.proposals import Proposals
from samples.recorded import load_repositories
from samples.records import Repository
from samples.writing import NOT_FOUND, Reply, Request, Written

POINTS = 5_000
CONNECTIONS = 3
"""In each pull request of a page: its assignees, labels and files; each has to be read."""
WINDOW_SECONDS = 3_600
LATEST = f"{END:%Y-%m-%dT%H:%M:%SZ}"
SLOW = {"errors": [{"message": "Something went wrong. This may be the result of a timeout."}], "data": None}
LARGEST_BODY = 2**20
INSTALLATION_TOKEN = re.compile(r"/app/installations/(\d+)/access_tokens")
PAGE = b"<!DOCTYPE html><html><body>Sorry.</body></html>"


class StandIn:
    """Everything that requests share."""

    def __init__(self, now: str, held: dict[str, Repository]) -> None:
        self.repositories = held
        self.lock = threading.Lock()
        self._begin = now
        self.reset()

    def reset(self) -> None:
        """Back to how it began: no faults, no changes, nothing counted."""
        self.faults = Faults()
        self.now = self._begin
        self.identities = Identities()
        self.written = Written()
        self.proposals = Proposals()
        for repository in self.repositories.values():
            repository.restore()

    def control(self, wanted: dict[str, Any]) -> None:
        """Set faults, the clock (`now`), the App, or fields of pull requests (`change`: by `owner/name#number`)."""
        for key, fields in wanted.pop("change", {}).items():
            name, _, number = key.partition("#")
            self.repositories[name].change(int(number), fields)
        self.now = wanted.pop("now", self.now)
        if app := wanted.pop("app", None):
            self.identities.app = App(**app)
        self.faults.set(wanted)

    def rest(self, asked: Request, base: str) -> tuple[Reply, dict[str, str]]:
        """Answer REST."""
        if match := INSTALLATION_TOKEN.fullmatch(asked.path):
            return self._token(asked, int(match[1])), {}
        if asked.path == "/user" and asked.who.kind == "user":
            return Reply(HTTPStatus.OK, asked.who.shown()), {}
        if reply := self.written.answer(asked, self.repositories, self.now):
            return reply, {}
        if reply := self.proposals.answer(asked, self.repositories, base):
            return reply, {}
        found = rest.answer(self.repositories, self.now, asked.path, asked.query, base) if asked.verb == "GET" else None
        return (Reply(HTTPStatus.OK, found[0]), found[1]) if found else (NOT_FOUND, {})

    def _token(self, asked: Request, installation: int) -> Reply:
        if asked.who.kind != "app":
            return Reply(HTTPStatus.UNAUTHORIZED, {"message": "A JSON web token could not be decoded"})
        token = self.identities.issue(installation)
        return Reply(HTTPStatus.CREATED, token) if token else NOT_FOUND

    def budget(self, cost: int) -> dict[str, Any]:
        """What is left of the hour's points after a query of this cost."""
        self.faults.stats["points"] += cost
        reset = time.gmtime(time.time() + WINDOW_SECONDS)
        left = max(POINTS - self.faults.stats["points"], 0)
        return {"cost": cost, "limit": POINTS, "remaining": left, "resetAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", reset)}


class Handler(BaseHTTPRequestHandler):
    """Answers GraphQL and a little REST, or fails as told."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    stand_in: ClassVar[StandIn]

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the base class
        """Say nothing; `/_stats` counts."""

    def do_GET(self) -> None:
        """Answer `/_stats`, `/_written`, or REST."""
        if self.path == "/_stats":
            return self._send(HTTPStatus.OK, dict(self.stand_in.faults.stats))
        if self.path == "/_written":
            written = self.stand_in.written
            shown = {"comments": list(written.comments.values()), "check_runs": list(written.check_runs.values())}
            proposed = self.stand_in.proposals
            shown |= {"pull_requests": proposed.opened, "dispatches": proposed.dispatches}
            return self._send(HTTPStatus.OK, shown | {"tokens": self.stand_in.identities.issued()})
        return self._serve(self._rest, b"")

    def do_PATCH(self) -> None:
        """Answer REST."""
        return self._serve(self._rest, self._body())

    def do_POST(self) -> None:
        """Answer `/_control`, `/_reset`, GraphQL or REST."""
        body = self._body()
        if self.path == "/_reset":
            self.stand_in.reset()
            return self._send(HTTPStatus.OK, {})
        if self.path == "/_control":
            return self._control(body)
        return self._serve(self._graphql if self.path.endswith("/graphql") else self._rest, body)

    def _body(self) -> bytes:
        """What was sent, up to a limit."""
        length = int(self.headers.get("Content-Length") or 0)
        self.close_connection = self.close_connection or length > LARGEST_BODY
        return self.rfile.read(min(length, LARGEST_BODY))

    def _control(self, body: bytes) -> None:
        try:
            with self.stand_in.lock:
                self.stand_in.control(json.loads(body))
        except (ValueError, KeyError) as error:
            return self._send(HTTPStatus.BAD_REQUEST, {"message": str(error)})
        return self._send(HTTPStatus.OK, {})

    def _serve(self, respond: Callable[[bytes, str | None, Identity], None], body: bytes) -> None:
        with self.stand_in.lock:
            fault = self.stand_in.faults.take()
        time.sleep(self.stand_in.faults.latency_ms / 1000)
        who = self.stand_in.identities.of(self.headers.get("Authorization", ""))
        if fault == "drop":
            self.close_connection = True
        elif who is None:
            self._send(HTTPStatus.UNAUTHORIZED, {"message": "Bad credentials"})
        elif fault and fault.isdecimal():
            self._send(HTTPStatus(int(fault)), PAGE)
        elif fault and fault.startswith(("primary", "secondary")):
            self._limited(fault)
        else:
            respond(body, fault, who)

    def _limited(self, fault: str) -> None:
        left = self.stand_in.faults.held_until - time.monotonic()
        if fault.startswith("secondary"):
            status = HTTPStatus.TOO_MANY_REQUESTS if fault.endswith("429") else HTTPStatus.FORBIDDEN
            message = "You have exceeded a secondary rate limit."
            return self._send(status, {"message": message}, {"Retry-After": str(max(math.ceil(left), 1))})
        headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time() + left))}
        message = "API rate limit exceeded for this user."
        if fault == "primary-403" or not self.path.endswith("/graphql"):
            return self._send(HTTPStatus.FORBIDDEN, {"message": message}, headers)
        return self._send(HTTPStatus.OK, {"errors": [{"type": "RATE_LIMITED", "message": message}]}, headers)

    def _graphql(self, body: bytes, fault: str | None, _: Identity) -> None:
        asked = json.loads(body)
        variables = asked.get("variables") or {}
        heavy = variables.get("files", True) and 0 < self.stand_in.faults.heavy_above < variables.get("first", 0)
        if self.path != "/graphql":
            return self._send(HTTPStatus.NOT_FOUND, {"message": "Not Found"})
        if heavy or fault == "timeout":
            return self._send(HTTPStatus.BAD_GATEWAY, SLOW)
        cost = max(round((1 + CONNECTIONS * variables.get("first", 0)) / 100), 1)
        with self.stand_in.lock:
            root = graph.Root(self.stand_in.repositories, self.stand_in.now, self.stand_in.budget(cost))
        return self._spoilt(HTTPStatus.OK, graph.answer(asked["query"], variables, root), {}, fault)

    def _rest(self, body: bytes, fault: str | None, who: Identity) -> None:
        if fault == "timeout":
            return self._send(HTTPStatus.BAD_GATEWAY, SLOW)
        try:
            sent = json.loads(body or b"null")
        except ValueError:
            return self._send(HTTPStatus.BAD_REQUEST, {"message": "Problems parsing JSON"})
        parts = urlsplit(self.path)
        asked = Request(self.command, parts.path, parts.query, sent, who)
        with self.stand_in.lock:
            (status, content), headers = self.stand_in.rest(asked, f"http://{self.headers['Host']}")
            whole = json.dumps(content).encode()
        return self._spoilt(status, whole, headers, fault)

    def _spoilt(self, status: HTTPStatus, content: Any, headers: dict[str, str], fault: str | None) -> None:
        """Send what was to be answered, or what the fault makes of it."""
        whole = content if isinstance(content, bytes) else json.dumps(content).encode()
        if fault == "lost":
            self.close_connection = True
            return None
        spoilt = {"garbage": whole[: len(whole) // 2], "html": PAGE, "null": json.dumps(SLOW).encode()}
        return self._send(status, spoilt.get(fault or "", whole), headers, cut=fault == "truncate")

    def _send(self, status: HTTPStatus, body: Any, headers: dict[str, str] | None = None, *, cut: bool = False) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        if status == HTTPStatus.NO_CONTENT:
            content = b""
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if content is PAGE else "application/json")
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if cut else content)
        self.close_connection = self.close_connection or cut


def serve(host: str, port: int, now: str, pulls: Path | None = None, files: Path | None = None) -> ThreadingHTTPServer:
    """A server, not yet running, of the generated repositories or of recorded ones; port 0 takes a free one."""
    held = load_repositories(pulls, files) if pulls else repositories()
    handler = type("BoundHandler", (Handler,), {"stand_in": StandIn(now, held)})
    return ThreadingHTTPServer((host, port), handler)


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(description="A small GitHub with made-up pull requests.")
    parser.add_argument("--host", default="127.0.0.1", help="where it listens; 0.0.0.0 is everywhere (%(default)s)")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--port-file", type=Path, help="where to write the port, once it listens")
    parser.add_argument("--now", default=LATEST, help="show the repositories as they stood then (default: %(default)s)")
    parser.add_argument("--pulls", type=Path, help="serve the records of this folder, OWNER__REPO.jsonl.gz, instead")
    parser.add_argument("--files", type=Path, help="with the changed files of this folder, by the same names")
    given = parser.parse_args()
    with serve(given.host, given.port, given.now, given.pulls, given.files) as server:
        if given.port_file:
            unfinished = given.port_file.with_suffix(".part")
            unfinished.write_text(str(server.server_port))
            unfinished.replace(given.port_file)
        with suppress(KeyboardInterrupt):
            server.serve_forever()


if __name__ == "__main__":
    main()
