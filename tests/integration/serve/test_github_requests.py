"""Redirections of GitHub's REST API, as a renamed repository has them."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from github import Auth

from steps.common.errors import ConfigurationError, NotFound
from steps.common.github_errors import RepositoryBlocked
from steps.serve.github_access import GitHubRestClient
from tests.support.http_server import serve

NEW = "/repositories/99"


class Renamed(BaseHTTPRequestHandler):
    """A GitHub that knows the repository by its number alone."""

    def do_GET(self) -> None:
        """Redirect, refuse, or return what was sent."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.partition("?")[0]
        if path.startswith(NEW):
            content = {"id": 7, "verb": self.command, "sent": json.loads(body or b"null"), "path": self.path}
            return self.answer(200, content)
        status, _, place = path.removeprefix("/repos/o/").partition("/")
        if not status.isdecimal():
            return self.answer(404, {"message": "Not Found"})
        if int(status) >= 400:
            return self.answer(int(status), {"message": "Repository access blocked", "block": {"reason": "tos"}})
        places = {"elsewhere": "http://elsewhere.example/x", "circle": self.path}
        base = f"http://{self.headers['Host']}"
        return self.answer(int(status), {"message": "Moved"}, places.get(place, f"{base}{NEW}/{place}"))

    do_POST = do_PATCH = do_GET  # noqa: N815 - the names in the base class

    def answer(self, status: int, content: Any, location: str | None = None) -> None:
        """Send a response."""
        raw = json.dumps(content).encode()
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def github() -> Iterator[GitHubRestClient]:
    """A client of that GitHub."""
    with serve(Renamed) as server:
        client = GitHubRestClient(f"http://127.0.0.1:{server.server_port}", Auth.Token("t"))
        yield client
        client.close()


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize(("verb", "body"), [("GET", None), ("POST", {"body": "Hello"}), ("PATCH", {"body": "Hello"})])
def test_a_redirection_is_followed_with_method_and_body(
    github: GitHubRestClient, status: int, verb: str, body: dict[str, str] | None
) -> None:
    """google/go-github#184"""
    found = github.request(verb, f"/repos/o/{status}/issues/1/comments", body=body)
    assert (found["verb"], found["sent"], found["path"]) == (verb, body, f"{NEW}/issues/1/comments")


def test_the_token_goes_to_no_other_host(github: GitHubRestClient) -> None:
    """Whoever can redirect could read it."""
    with pytest.raises(ConfigurationError, match=r"elsewhere\.example"):
        github.request("GET", "/repos/o/307/elsewhere")


def test_a_circle_ends(github: GitHubRestClient) -> None:
    """After a few redirections."""
    with pytest.raises(ConfigurationError, match="redirected 3 times"):
        github.request("GET", "/repos/o/307/circle")


@pytest.mark.parametrize("status", [403, 451])
def test_a_blocked_repository_is_named(github: GitHubRestClient, status: int) -> None:
    """caarlos0/fork-cleaner#99, github/rest-api-description#3314"""
    with pytest.raises(RepositoryBlocked, match=r"blocked.*tos"):
        github.request("GET", f"/repos/o/{status}/x")
    with pytest.raises(NotFound):
        github.request("GET", "/repos/o/none")
