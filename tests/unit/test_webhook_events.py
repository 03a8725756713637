"""A delivery's signature and payload, by GitHub's documentation."""

import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from pydantic import ValidationError

from steps.serve.webhooks import events

PAYLOAD: dict[str, Any] = {
    "action": "synchronize",
    "number": 2,
    "before": "0d1a26e67d8f5eaf1f6ba5c57fc3c7d91ac0fd1c",
    "after": "34c5c7793cb3b279e22454cb6750c80560547b3a",
    "pull_request": {
        "url": "https://api.github.com/repos/baxterthehacker/public-repo/pulls/2",
        "id": 34778301,
        "node_id": "MDExOlB1bGxSZXF1ZXN0MzQ3NzgzMDE=",
        "html_url": "https://github.com/baxterthehacker/public-repo/pull/2",
        "number": 2,
        "state": "open",
        "locked": False,
        "title": "Update the README with new information",
        "user": {"login": "baxterthehacker", "id": 6752317, "type": "User", "site_admin": False},
        "body": None,
        "created_at": "2015-05-05T23:40:27Z",
        "merged_at": None,
        "assignees": [],
        "labels": [{"id": 208045946, "name": "bug", "color": "d73a4a", "default": True}],
        "head": {
            "label": "baxterthehacker:changes",
            "ref": "changes",
            "sha": "34c5c7793cb3b279e22454cb6750c80560547b3a",
            "user": {"login": "baxterthehacker"},
            "repo": None,
        },
        "base": {"ref": "main", "sha": "9049f1265b7d61be4a8904a9a27120d2064dab3b", "repo": {"id": 35129377}},
        "_links": {"self": {"href": "https://api.github.com/repos/baxterthehacker/public-repo/pulls/2"}},
        "author_association": "OWNER",
        "draft": False,
        "mergeable": None,
        "commits": 1,
        "additions": 1,
        "deletions": 1,
        "changed_files": 1,
    },
    "repository": {"id": 35129377, "name": "public-repo", "full_name": "baxterthehacker/public-repo", "private": False},
    "organization": {"login": "baxterthehacker"},
    "sender": {"login": "baxterthehacker", "id": 6752317},
    "installation": {"id": 234, "node_id": "MDIzOkludGVncmF0aW9uSW5zdGFsbGF0aW9uMQ=="},
}


RIGHT = events.sign(b"secret", b"body")


def test_the_signature_matches_githubs_documentation() -> None:
    """Its own example of a secret, a body and their signature."""
    secret, raw = b"It's a Secret to Everybody", b"Hello, World!"
    given = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert events.sign(secret, raw) == given
    assert events.is_genuine([secret], raw, given)
    assert not events.is_genuine([secret], raw + b"\n", given)


def test_each_of_several_secrets_makes_a_genuine_signature() -> None:
    """While a webhook gets a new one."""
    for secret in (b"the new one", b"the old one"):
        assert events.is_genuine([b"the new one", b"the old one"], b"body", events.sign(secret, b"body"))
    assert not events.is_genuine([b"the new one"], b"body", events.sign(b"the old one", b"body"))
    assert not events.is_genuine([], b"body", events.sign(b"", b"body"))


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "sha256=",
        "sha1=" + "a" * 64,
        "sha256=" + "A" * 64,
        "sha256=" + "é" * 64,
        RIGHT + "é",
        RIGHT + "\n",
        "x" + RIGHT,
    ],
)
def test_a_malformed_signature_is_refused(given: str | None) -> None:
    """Also where it couldn't be compared."""
    assert events.is_genuine([b"secret"], b"body", given) is False
    assert events.is_genuine([b"secret"], b"body", RIGHT) is True


def test_only_names_and_numbers_of_an_event_are_kept() -> None:
    """Whatever GitHub adds to it."""
    event = events.PullRequestEvent.model_validate_json(json.dumps(PAYLOAD))
    notice = events.Notice.from_event("72d3162e", event, b"body")
    sha = PAYLOAD["after"]
    hashes = (event.pull_request.compute_fingerprint(), sha256(b"body").hexdigest())
    assert notice == ("72d3162e", "synchronize", "baxterthehacker/public-repo", 2, sha, 234, None, *hashes, True)


@pytest.mark.parametrize(
    ("given", "kept"),
    [("2026-01-01T00:00:00Z", datetime(2026, 1, 1, tzinfo=UTC)), ("yesterday", None), (7, None), (None, None)],
)
def test_the_time_of_the_update_is_kept_if_it_is_one(given: object, kept: datetime | None) -> None:
    """It shows whether GitHub's API is behind its webhooks; nothing else depends on it."""
    pull = PAYLOAD["pull_request"] | {"updated_at": given}
    event = events.PullRequestEvent.model_validate_json(json.dumps(PAYLOAD | {"pull_request": pull}))
    assert events.Notice.from_event("72d3162e", event, b"").updated_at == kept


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("title", "Another"),
        ("body", "Another"),
        ("draft", True),
        ("base", {"ref": "other"}),
        ("head", {"sha": "0" * 40}),
    ],
)
def test_the_fingerprint_changes_with_what_an_event_tells_of(name: str, value: Any) -> None:
    """And is the same in an event and in GitHub's lists, where more fields are."""
    given = {"head": {"sha": "1" * 40}, "base": {"ref": "main"}, "title": "A title", "body": None, "draft": False}
    dates = {"created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:05Z"}
    listed = events.ListedPullRequest.model_validate(given | dates | {"number": 1, "state": "open", "comments": 5})
    own = events.EventPullRequest.model_validate(given)
    assert listed.compute_fingerprint() == own.compute_fingerprint()
    assert (
        events.EventPullRequest.model_validate(given | {name: value}).compute_fingerprint() != own.compute_fingerprint()
    )


def test_a_repository_s_own_webhook_has_no_installation() -> None:
    """Only those of a GitHub App do."""
    for event in ({**PAYLOAD, "installation": None}, {k: v for k, v in PAYLOAD.items() if k != "installation"}):
        assert events.Notice.from_event("1", events.PullRequestEvent.model_validate(event), b"").installation is None


@pytest.mark.parametrize(
    "name", ["owner", "owner/", "/name", "owner/..", "owner/.", "../name", "a/b/c", "a b/c", "o/n?x=1", "o/n#1", "ö/n"]
)
def test_a_repositorys_name_cannot_escape_its_path(name: str) -> None:
    """It becomes part of the path of a request."""
    with pytest.raises(ValidationError):
        events.PullRequestEvent.model_validate({**PAYLOAD, "repository": {"full_name": name}})


@pytest.mark.parametrize("name", ["o/n", "some-org/some.repo_1", "o/.github", "user_company/x", "o/-"])
def test_githubs_repository_names_are_accepted(name: str) -> None:
    """As people and companies have them."""
    event = events.PullRequestEvent.model_validate({**PAYLOAD, "repository": {"full_name": name}})
    assert event.repository.full_name == name


def test_the_actions_that_count_are_known() -> None:
    """Those after which a pull request may score differently, or be muted."""
    scored = {"opened", "reopened", "synchronize", "ready_for_review", "edited"}
    assert scored | {"labeled", "unlabeled"} == events.ACTIONS


def push(*commits: dict[str, list[str]], **fields: Any) -> bool:
    """Whether a push to the default branch may have changed the rules."""
    given = {"ref": "refs/heads/main", "repository": {"full_name": "owner/name", "default_branch": "main"}}
    return events.PushEvent.model_validate(given | {"commits": [*commits]} | fields).may_change("rules.yml")


@pytest.mark.parametrize(("count", "may"), [(0, True), (1, False), (2_047, False), (2_048, True)])
def test_a_push_whose_commits_are_not_all_listed_may_change_anything(count: int, may: bool) -> None:
    """GitHub lists 2,048 of them."""
    assert push(*[{"modified": ["other"]}] * count) is may


@pytest.mark.parametrize("kind", ["added", "modified", "removed"])
def test_a_push_changes_what_one_of_its_commits_changes(kind: str) -> None:
    """On the default branch; a forced one may drop others."""
    assert push({"modified": ["other"]}, {kind: ["rules.yml"]})
    assert push({"modified": ["other"]}) is False
    assert push({"modified": ["other"]}, forced=True)
    assert push({kind: ["rules.yml"]}, ref="refs/heads/other") is False
    assert push({kind: ["rules.yml"]}, ref="refs/tags/main", forced=True) is False


@pytest.mark.parametrize(("number", "valid"), [(0, False), (1, True), (2**53, True), (2**53 + 1, False), ("1", False)])
def test_an_installation_has_a_number_that_every_reader_keeps(number: object, valid: bool) -> None:
    """From one on, exact in JavaScript too."""
    given = PAYLOAD | {"installation": {"id": number}}
    if valid:
        event = events.PullRequestEvent.model_validate(given)
        assert event.installation
        assert event.installation.id == number
        with pytest.raises(ValidationError, match="frozen"):
            event.installation.__setattr__("id", 3)
    else:
        with pytest.raises(ValidationError):
            events.PullRequestEvent.model_validate(given)


def test_a_pull_request_without_text_is_no_draft_and_has_no_text() -> None:
    """The same whichever way GitHub says so, and not the same as one with a text."""
    head = {"head": {"sha": "1" * 40}}
    given = [head, head | {"body": ""}, head | {"body": None}, head | {"draft": False}]
    found = {events.EventPullRequest.model_validate(one).compute_fingerprint() for one in given}
    assert len(found) == 1
    texts = {events.EventPullRequest.model_validate(head | {"body": one}).compute_fingerprint() for one in ("a", "b")}
    assert len(found | texts) == 3


@pytest.mark.parametrize("installation", [None, 234])
def test_a_vote_is_for_the_pull_request_that_the_check_run_names(installation: int | None) -> None:
    """By the button that was pressed, and the account that pressed it."""
    given = PAYLOAD | {
        "requested_action": {"identifier": "useful"},
        "check_run": {"external_id": "owner/name#12", "head_sha": "1" * 40},
        "installation": installation and {"id": installation},
    }
    ballot = events.Ballot.from_event("72d3162e", events.CheckRunEvent.model_validate(given))
    place = ("baxterthehacker/public-repo", 12, "1" * 40, installation)
    assert ballot == (events.Notice("72d3162e", "useful", *place), events.Voter(6752317, "baxterthehacker"))


def test_a_push_of_more_commits_than_github_lists_is_refused() -> None:
    """Each would be an object in memory: a megabyte of them took a hundred."""
    with pytest.raises(ValidationError, match="at most 2048 items"):
        push(*[{}] * 2_049)
