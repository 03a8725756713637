"""The fake GitHub server on this machine: `python -m samples.server --port 0 --port-file FILE`.

While it runs, `POST /_control` takes `{"next": ["502", "drop"], "latency_ms": 50, "retry_after": 2, "heavy_above": 30,
"now": "2026-01-01T00:00:00Z", "gaps": [[3, "author", "FORBIDDEN"]],
"change": {"example/docs#3": {"title": "Other"}}, "app": {"id": 7, "public_key": PEM},
"files": {"example/docs": {"README.md": "Text"}}, "roles": {"example/docs": {"octocat": "write"}},
"heads": {"staging": COMMIT}}`, each of them
optional; `POST /_reset` undoes all of it, `GET /_stats` returns counters, and `GET /_written` the comments, check runs
and pull requests that were written, and the workflows that were dispatched.
"""

import argparse
import hashlib
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

from samples import gaps, graph, rest
from samples.contents import RepositoryFiles
from samples.drafts import END
from samples.faults import ERRORS, REFUSAL, Faults
from samples.generate import generate_repositories
from samples.identities import App, Identity, IdentityRegistry
from samples.proposals import Proposals
from samples.reactions import Reactions
from samples.recorded import load_repositories
from samples.records import SampleRepository
from samples.writing import NOT_FOUND, Reply, Request, WrittenRecords

POINTS = 5_000
CONNECTIONS = 3
"""Connections of each pull request in a page: assignees, labels and files."""
WINDOW_SECONDS = 3_600
LATEST = f"{END:%Y-%m-%dT%H:%M:%SZ}"
SLOW = {"errors": [{"message": "Something went wrong. This may be the result of a timeout."}], "data": None}
MAX_BODY_BYTES = 2**20
INSTALLATION_TOKEN = re.compile(r"/app/installations/(\d+)/access_tokens")
PAGE = b"<!DOCTYPE html><html><body>Sorry.</body></html>"


class FakeGitHub:
    """The state that requests share."""

    def __init__(self, now: str, held: dict[str, SampleRepository]) -> None:
        self.repositories = held
        self.lock = threading.Lock()
        self._begin = now
        self.reset()

    def reset(self) -> None:
        """Restore the initial state: no faults, changes or counts."""
        self.faults = Faults()
        self.gaps: list[gaps.Gap] = []
        self.now = self._begin
        self.identities = IdentityRegistry()
        self.written = WrittenRecords()
        self.reactions = Reactions()
        self.proposals = Proposals()
        self.contents = RepositoryFiles()
        for repository in self.repositories.values():
            repository.restore()

    def control(self, wanted: dict[str, Any]) -> None:
        """Set faults, gaps, the clock (`now`), the App, or fields of pull requests (`change`: `owner/name#number`)."""
        for key, fields in wanted.pop("change", {}).items():
            name, _, number = key.partition("#")
            self.repositories[name].change(int(number), fields)
        self.now = wanted.pop("now", self.now)
        self.gaps = [gaps.Gap(*gap) for gap in wanted.pop("gaps", self.gaps)]
        if app := wanted.pop("app", None):
            self.identities.app = App(**app)
        self.proposals.heads.update(wanted.pop("heads", {}))
        self.contents.set_files(wanted.pop("files", {}))
        self.contents.set_roles(wanted.pop("roles", {}))
        self.faults.set(wanted)

    def rest(self, asked: Request, base: str) -> tuple[Reply, dict[str, str]]:
        """Handle a REST request."""
        if match := INSTALLATION_TOKEN.fullmatch(asked.path):
            return self._token(asked, int(match[1])), {}
        if asked.path == "/user" and asked.who.kind == "user":
            return Reply(HTTPStatus.OK, asked.who.to_account()), {}
        parts: tuple[Callable[[], Reply | None], ...] = (
            lambda: self.reactions.answer(asked, self.repositories, self.written),
            lambda: self.written.answer(asked, self.repositories, self.now),
            lambda: self.contents.answer(asked, self.repositories, base),
            lambda: self.proposals.answer(asked, self.repositories, base),
        )
        if reply := next(filter(None, (part() for part in parts)), None):
            return reply, {}
        found = rest.answer(self.repositories, self.now, asked.path, asked.query, base) if asked.verb == "GET" else None
        return (Reply(HTTPStatus.OK, found[0]), found[1]) if found else (NOT_FOUND, {})

    def _token(self, asked: Request, installation: int) -> Reply:
        if asked.who.kind != "app":
            return Reply(HTTPStatus.UNAUTHORIZED, {"message": "A JSON web token could not be decoded"})
        token = self.identities.issue(installation)
        return Reply(HTTPStatus.CREATED, token) if token else NOT_FOUND

    def budget(self, cost: int) -> dict[str, Any]:
        """Return the hour's remaining points after a query of this cost."""
        self.faults.stats["points"] += cost
        reset = time.gmtime(time.time() + WINDOW_SECONDS)
        left = max(POINTS - self.faults.stats["points"], 0)
        return {"cost": cost, "limit": POINTS, "remaining": left, "resetAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", reset)}


class Handler(BaseHTTPRequestHandler):
    """Handles GraphQL and a few REST requests, or fails on demand."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    fake: ClassVar[FakeGitHub]

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the base class
        """Log nothing; `/_stats` has counters."""

    def do_GET(self) -> None:
        """Answer `/_stats`, `/_written`, or REST."""
        if self.path == "/_stats":
            return self._send(HTTPStatus.OK, dict(self.fake.faults.stats))
        if self.path == "/_written":
            written = self.fake.written
            shown = {"comments": list(written.comments.values()), "check_runs": list(written.check_runs.values())}
            proposed = self.fake.proposals
            shown |= {"pull_requests": proposed.opened, "dispatches": proposed.dispatches}
            shown["statuses"] = proposed.statuses
            return self._send(HTTPStatus.OK, shown | {"tokens": self.fake.identities.count_issued()})
        return self._serve(self._rest, b"")

    def do_PATCH(self) -> None:
        """Answer REST."""
        return self._serve(self._rest, self._body())

    def do_DELETE(self) -> None:
        """Answer REST."""
        return self._serve(self._rest, self._body())

    def do_POST(self) -> None:
        """Answer `/_control`, `/_reset`, GraphQL or REST."""
        body = self._body()
        if self.path == "/_reset":
            self.fake.reset()
            return self._send(HTTPStatus.OK, {})
        if self.path == "/_control":
            return self._control(body)
        return self._serve(self._graphql if self.path.endswith("/graphql") else self._rest, body)

    def _body(self) -> bytes:
        """Read the body, up to a limit."""
        length = int(self.headers.get("Content-Length") or 0)
        self.close_connection = self.close_connection or length > MAX_BODY_BYTES
        return self.rfile.read(min(length, MAX_BODY_BYTES))

    def _control(self, body: bytes) -> None:
        try:
            with self.fake.lock:
                self.fake.control(json.loads(body))
        except (ValueError, KeyError) as error:
            return self._send(HTTPStatus.BAD_REQUEST, {"message": str(error)})
        return self._send(HTTPStatus.OK, {})

    def _serve(self, respond: Callable[[bytes, str | None, Identity], None], body: bytes) -> None:
        with self.fake.lock:
            fault = self.fake.faults.take()
        time.sleep(self.fake.faults.latency_ms / 1000)
        who = self.fake.identities.identify(self.headers.get("Authorization", ""))
        if fault == "drop":
            self.close_connection = True
        elif who is None:
            self._send(HTTPStatus.UNAUTHORIZED, {"message": "Bad credentials"})
        elif fault and REFUSAL.fullmatch(fault):
            self._send(HTTPStatus(int(fault[:3])), {"message": fault[4:]})
        elif fault and fault.isdecimal():
            self._send(HTTPStatus(int(fault)), PAGE)
        elif fault == "forbidden":
            self._send(HTTPStatus.FORBIDDEN, {"message": "Resource not accessible by integration"})
        elif fault and fault.startswith(("primary", "secondary")):
            self._send_limit(fault)
        else:
            respond(body, fault, who)

    def _send_limit(self, fault: str) -> None:
        left = self.fake.faults.held_until - time.monotonic()
        if fault.startswith("secondary"):
            status = HTTPStatus.TOO_MANY_REQUESTS if fault.endswith("429") else HTTPStatus.FORBIDDEN
            message = "You have exceeded a secondary rate limit."
            pause = {"Retry-After": str(max(math.ceil(left), 1))}
            if fault.endswith("200"):
                return self._send(HTTPStatus.OK, {"errors": [{"message": message}]}, pause)
            return self._send(status, {"message": message}, pause)
        headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time() + left))}
        message = "API rate limit exceeded for this user."
        if fault == "primary-403" or not self.path.endswith("/graphql"):
            return self._send(HTTPStatus.FORBIDDEN, {"message": message}, headers)
        return self._send(HTTPStatus.OK, {"errors": [{"type": "RATE_LIMITED", "message": message}]}, headers)

    def _graphql(self, body: bytes, fault: str | None, _: Identity) -> None:
        asked = json.loads(body)
        variables = asked.get("variables") or {}
        heavy = variables.get("files", True) and 0 < self.fake.faults.heavy_above < variables.get("first", 0)
        if self.path != "/graphql":
            return self._send(HTTPStatus.NOT_FOUND, {"message": "Not Found"})
        if heavy or fault == "timeout":
            return self._send(HTTPStatus.BAD_GATEWAY, SLOW)
        cost = max(round((1 + CONNECTIONS * variables.get("first", 0)) / 100), 1)
        with self.fake.lock:
            root = graph.Root(self.fake.repositories, self.fake.now, self.fake.budget(cost))
        content = gaps.apply(graph.answer(asked["query"], variables, root), self.fake.gaps)
        if fault in ERRORS:
            content = {"data": None, "errors": [ERRORS[fault]]}
        return self._send_faulty(HTTPStatus.OK, content, {}, fault)

    def _rest(self, body: bytes, fault: str | None, who: Identity) -> None:
        if fault == "timeout":
            return self._send(HTTPStatus.BAD_GATEWAY, SLOW)
        try:
            sent = json.loads(body or b"null")
        except ValueError:
            return self._send(HTTPStatus.BAD_REQUEST, {"message": "Problems parsing JSON"})
        parts = urlsplit(self.path)
        asked = Request(self.command, parts.path, parts.query, sent, who)
        with self.fake.lock:
            (status, content), headers = self.fake.rest(asked, f"http://{self.headers['Host']}")
            whole = json.dumps(content).encode()
        if self.command == "GET" and status == HTTPStatus.OK:
            headers = {**headers, "ETag": f'W/"{hashlib.sha256(whole).hexdigest()}"'}
            if self.headers.get("If-None-Match") == headers["ETag"]:
                self.fake.faults.stats["not_modified"] += 1
                status = HTTPStatus.NOT_MODIFIED
        return self._send_faulty(status, whole, headers, fault)

    def _send_faulty(self, status: HTTPStatus, content: Any, headers: dict[str, str], fault: str | None) -> None:
        """Send the response, or a faulty one."""
        whole = content if isinstance(content, bytes) else json.dumps(content).encode()
        if fault == "lost":
            self.close_connection = True
            return None
        faulty = {"garbage": whole[: len(whole) // 2], "html": PAGE, "null": json.dumps(SLOW).encode()}
        return self._send(status, faulty.get(fault or "", whole), headers, cut=fault == "truncate")

    def _send(self, status: HTTPStatus, body: Any, headers: dict[str, str] | None = None, *, cut: bool = False) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        if status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
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
    """Create a server, not yet running, of the generated repositories or of recorded ones; port 0 takes a free one."""
    held = load_repositories(pulls, files) if pulls else generate_repositories()
    handler = type("BoundHandler", (Handler,), {"fake": FakeGitHub(now, held)})
    return ThreadingHTTPServer((host, port), handler)


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="A small GitHub with synthetic pull requests.")
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
