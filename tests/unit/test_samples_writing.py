"""What can be written to the stand-in, by whom, and what it refuses as GitHub does."""

import sys
import time
from http import HTTPStatus
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from samples import deliver, rest
from samples.generate import generate_repositories
from samples.identities import App, Identity, IdentityRegistry
from samples.server import LATEST
from samples.writing import MAX_WRITTEN, Reply, Request, WrittenRecords

ALL = generate_repositories()
DOCS = ALL["example/docs"]
SOMEBODY = Identity("user", "somebody", 3)
APP = Identity("installation", "pr-sentinel[bot]", 7)
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
PULL = DOCS.one(5, LATEST)
assert PULL
SHA = rest.head_sha(PULL, DOCS.full_name)
CHECK = {
    "name": "PR Sentinel",
    "head_sha": SHA,
    "external_id": "x",
    "status": "completed",
    "conclusion": "neutral",
    "output": {"title": "Odd", "summary": "Very."},
}


def ask(
    written: WrittenRecords, verb: str, path: str, body: Any = None, who: Identity = SOMEBODY, query: str = ""
) -> Reply:
    reply = written.answer(Request(verb, f"/repos/example/docs/{path}", query, body, who), ALL, LATEST)
    assert reply
    return reply


def test_a_comment_is_written_listed_and_changed() -> None:
    """On its pull request, by whoever wrote it."""
    written = WrittenRecords()
    made = ask(written, "POST", "issues/5/comments", {"body": "one"})
    assert (made.status, made.body["user"]) == (HTTPStatus.CREATED, {"login": "somebody", "id": 3, "type": "User"})
    changed = ask(written, "PATCH", f"issues/comments/{made.body['id']}", {"body": "two"})
    assert (changed.status, changed.body["edits"]) == (HTTPStatus.OK, 1)
    assert [one["body"] for one in ask(written, "GET", "issues/5/comments").body] == ["two"]
    assert ask(written, "GET", "issues/6/comments").body == []
    assert ask(written, "GET", "issues/5/comments", query="per_page=1&page=2").body == []


def test_only_an_app_writes_check_runs() -> None:
    """A user's token is refused, in GitHub's words."""
    written = WrittenRecords()
    refused = ask(written, "POST", "check-runs", CHECK)
    assert (refused.status, refused.body["message"]) == (403, "You must authenticate via a GitHub App.")
    made = ask(written, "POST", "check-runs", CHECK, APP)
    assert (made.status, made.body["app"]["id"]) == (HTTPStatus.CREATED, 7)
    changed = ask(written, "PATCH", f"check-runs/{made.body['id']}", {**CHECK, "external_id": "y"}, APP)
    assert (changed.status, changed.body["external_id"]) == (HTTPStatus.OK, "y")
    listed = ask(written, "GET", f"commits/{SHA}/check-runs", query="check_name=PR+Sentinel")
    assert (listed.body["total_count"], listed.body["check_runs"][0]["id"]) == (1, made.body["id"])
    assert ask(written, "GET", f"commits/{SHA}/check-runs", query="check_name=other").body["total_count"] == 0


@pytest.mark.parametrize(
    ("verb", "path", "body", "status"),
    [
        ("POST", "issues/5/comments", {"body": 1}, 422),
        ("POST", "issues/5/comments", None, 422),
        ("POST", "issues/9999/comments", {"body": "x"}, 404),
        ("PATCH", "issues/comments/1", {"body": "x"}, 404),
        ("PATCH", "check-runs/1", CHECK, 404),
        ("POST", "check-runs", {**CHECK, "conclusion": "odd"}, 422),
        ("POST", "check-runs", {**CHECK, "head_sha": "0" * 40}, 422),
        ("POST", "check-runs", {**CHECK, "name": None}, 422),
        ("POST", "check-runs", {**CHECK, "output": {"title": "only"}}, 422),
    ],
)
def test_what_github_would_refuse_is_refused(verb: str, path: str, body: Any, status: int) -> None:
    """So that a service can't pass by writing what GitHub doesn't take."""
    assert ask(WrittenRecords(), verb, path, body, APP).status == status


def test_it_keeps_only_so_much() -> None:
    """A test gone wild fills no memory."""
    written = WrittenRecords()
    answers = {ask(written, "POST", "issues/5/comments", {"body": "x"}).status for _ in range(MAX_WRITTEN + 1)}
    assert answers == {201, 403}


def test_a_push_moves_the_head_on_and_a_new_title_does_not() -> None:
    """As commits do."""
    assert PULL
    try:
        DOCS.change(5, {"title": "Other"})
        assert rest.head_sha(DOCS.one(5, LATEST), DOCS.full_name) == SHA  # type: ignore[arg-type]  # it is there
        DOCS.change(5, {"additions": PULL.additions + 1})
        assert rest.head_sha(DOCS.one(5, LATEST), DOCS.full_name) != SHA  # type: ignore[arg-type]
    finally:
        DOCS.restore()


def token(key: Any = KEY, algorithm: str = "RS256", **changes: Any) -> str:
    claims = {"iat": int(time.time()) - 60, "exp": int(time.time()) + 300, "iss": "7"} | changes
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, key, algorithm)


@pytest.fixture
def identities() -> IdentityRegistry:
    """With an App whose installation is 1."""
    known = IdentityRegistry()
    known.app = App(7, PUBLIC)
    return known


def test_an_app_gets_a_token_for_its_installation(identities: IdentityRegistry) -> None:
    """And is known by it from then on."""
    assert identities.identify(f"Bearer {token()}") == ("app", "pr-sentinel[bot]", 7)
    assert identities.issue(2) is None
    issued = identities.issue(1)
    assert issued
    assert identities.identify(f"token {issued['token']}") == APP


@pytest.mark.parametrize(
    "given",
    [
        token(rsa.generate_private_key(public_exponent=65537, key_size=2048)),
        token("a secret that is long enough for HMAC with SHA-256", "HS256"),
        token(exp=int(time.time()) - 1),
        token(exp=int(time.time()) + 3_600),
        token(exp=None),
        token(iss="8"),
        token(iat=int(time.time()) + 3_600, exp=int(time.time()) + 3_700),
        "a.b.c",
        "ghs_made_up",
        "bad-token",
        "",
    ],
)
def test_what_proves_nothing_is_nobody(identities: IdentityRegistry, given: str) -> None:
    """Another key, algorithm, issuer or time; a token that was never given."""
    assert identities.identify(f"Bearer {given}") is None


def test_two_tokens_are_two_users(identities: IdentityRegistry) -> None:
    """The same one is the same user."""
    one, other = identities.identify("token one"), identities.identify("token other")
    assert one == identities.identify("Bearer one") != other


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["example/docs#5", "--to", "https://example.com/webhook"], "on this machine"),
        (["example/docs#5", "--secret-env", "NO_SUCH_VARIABLE"], "NO_SUCH_VARIABLE"),
        (["example/docs#9999"], "no sample"),
        (["example/docs"], "no sample"),
        (["nobody/nothing#1"], "no sample"),
    ],
)
def test_the_command_refuses_what_it_can_not_send(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    """It says why, and sends to this machine only."""
    monkeypatch.setenv("WEBHOOK_SECRET", "x")
    monkeypatch.setattr(sys, "argv", ["deliver", *arguments])
    with pytest.raises(SystemExit) as ended:
        deliver.main()
    assert (ended.value.code, said in capsys.readouterr().err) == (2, True)
