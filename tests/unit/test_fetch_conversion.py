"""From a GraphQL node to the document that is kept."""

from datetime import UTC, datetime
from typing import Any

import pytest

from steps.common.changed_files import MAX_FILES, MAX_PATH
from steps.fetch.conversion import UnusablePullRequest, convert_pull_request
from steps.fetch.queries import Edge

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NODE: dict[str, Any] = {
    "id": "PR_1",
    "number": 7,
    "title": "Add a door",
    "body": "It opens.",
    "url": "https://github.example/a/b/pull/7",
    "state": "MERGED",
    "isDraft": False,
    "activeLockReason": "SPAM",
    "createdAt": "2025-01-01T10:00:00Z",
    "updatedAt": "2025-01-03T10:00:00Z",
    "closedAt": "2025-01-02T10:00:00Z",
    "mergedAt": "2025-01-02T10:00:00Z",
    "additions": 10,
    "deletions": 2,
    "changedFiles": 3,
    "baseRefName": "main",
    "headRefName": "door",
    "isCrossRepository": True,
    "authorAssociation": "MEMBER",
    "author": {"__typename": "User", "login": "dev-1", "databaseId": 4242},
    "assignees": {"nodes": [{"__typename": "User", "login": "dev-2"}]},
    "labels": {"nodes": [{"name": "bug"}]},
    "commits": {"totalCount": 4},
    "files": {
        "nodes": [
            {"path": "door.py", "additions": 9, "deletions": 0, "changeType": "ADDED"},
            {"path": "house.py", "additions": 1, "deletions": 0, "changeType": "MODIFIED"},
            {"path": "window.py", "additions": 0, "deletions": 2, "changeType": "DELETED"},
        ]
    },
}


def convert(**fields: Any) -> dict[str, Any]:
    return convert_pull_request(Edge(cursor="c", node=NODE | fields), "a/b", NOW)


def refused(**fields: Any) -> UnusablePullRequest:
    with pytest.raises(UnusablePullRequest) as caught:
        convert(**fields)
    return caught.value


def test_a_document_has_the_names_of_rest() -> None:
    """Every field under the name it has in GitHub's REST interface, moments as dates."""
    assert convert() == {
        "_id": "a/b#7",
        "number": 7,
        "title": "Add a door",
        "body": "It opens.",
        "user": {"login": "dev-1", "type": "User", "id": 4242},
        "author_association": "MEMBER",
        "state": "closed",
        "draft": False,
        "active_lock_reason": "spam",
        "created_at": datetime(2025, 1, 1, 10, tzinfo=UTC),
        "updated_at": datetime(2025, 1, 3, 10, tzinfo=UTC),
        "closed_at": datetime(2025, 1, 2, 10, tzinfo=UTC),
        "merged_at": datetime(2025, 1, 2, 10, tzinfo=UTC),
        "additions": 10,
        "deletions": 2,
        "changed_files": 3,
        "commits": 4,
        "labels": [{"name": "bug"}],
        "assignees": [{"login": "dev-2", "type": "User"}],
        "base": {"ref": "main", "repo": {"full_name": "a/b"}},
        "head": {"ref": "door"},
        "cross_repository": True,
        "files": [
            {"filename": "door.py", "status": "added", "additions": 9, "deletions": 0},
            {"filename": "house.py", "status": "modified", "additions": 1, "deletions": 0},
            {"filename": "window.py", "status": "removed", "additions": 0, "deletions": 2},
        ],
        "html_url": "https://github.example/a/b/pull/7",
        "fetched_at": NOW,
    }


@pytest.mark.parametrize(("state", "kept"), [("OPEN", "open"), ("CLOSED", "closed"), ("MERGED", "closed")])
def test_a_merged_one_is_closed(state: str, kept: str) -> None:
    """REST has two states where GraphQL has three."""
    assert convert(state=state)["state"] == kept


@pytest.mark.parametrize("login", ["bump", "bump[bot]"])
def test_a_bot_has_the_login_that_rest_gives_it(login: str) -> None:
    """GraphQL leaves its mark out."""
    user = convert(author={"__typename": "Bot", "login": login, "databaseId": 7})["user"]
    assert user == {"login": "bump[bot]", "type": "Bot", "id": 7}


def test_an_author_whose_account_is_gone_is_a_ghost() -> None:
    """As on GitHub's own pages."""
    assert convert(author=None)["user"] == {"login": "ghost", "type": "User", "id": None}


def test_lists_that_are_missing_or_hold_nothing_are_empty() -> None:
    """GraphQL may answer null for a list or for one of its items."""
    assert convert(labels=None, assignees={"nodes": [None]}) == convert(labels={"nodes": []}, assignees={"nodes": []})


FILE = {"path": "a", "additions": 1, "deletions": 0, "changeType": "MODIFIED"}


@pytest.mark.parametrize("kind", ["ADDED", "CHANGED", "COPIED", "DELETED", "MODIFIED", "RENAMED"])
def test_every_kind_of_change_has_the_word_of_rest(kind: str) -> None:
    """All that GraphQL's PatchStatus has are known, and only DELETED has another word."""
    (file,) = convert(files={"nodes": [FILE | {"changeType": kind}]})["files"]
    assert file["status"] == {"DELETED": "removed"}.get(kind, kind.lower())


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"files": None}, "files"),
        ({"files": {"nodes": None}}, "files"),
        ({"files": {"nodes": []}}, "files"),
        ({"files": {"nodes": [None]}}, "files"),
        ({"files": {"nodes": "all"}}, "files"),
        ({"activeLockReason": None}, "active_lock_reason"),
        ({"activeLockReason": "BOREDOM"}, "active_lock_reason"),
        ({"activeLockReason": ["SPAM"]}, "active_lock_reason"),
        ({"files": {"nodes": [FILE, FILE | {"additions": -1}]}}, "files"),
        ({"files": {"nodes": [FILE | {"deletions": 1.5}]}}, "files"),
        ({"files": {"nodes": [FILE | {"changeType": "BURNT"}]}}, "files"),
        ({"files": {"nodes": [FILE | {"changeType": ["ADDED"]}]}}, "files"),
        ({"files": {"nodes": [FILE | {"path": ""}]}}, "files"),
        ({"files": {"nodes": [FILE | {"path": None}]}}, "files"),
        ({"isCrossRepository": "yes"}, "cross_repository"),
        ({"isCrossRepository": None}, "cross_repository"),
    ],
)
def test_what_is_broken_and_optional_is_not_known(changes: dict[str, Any], field: str) -> None:
    """The pull request is kept with all else that it has."""
    assert convert(**changes) == convert() | {field: None}


@pytest.mark.parametrize("ref", [None, "", 5, "x" * 2_000])
def test_a_broken_head_is_not_known(ref: object) -> None:
    """A branch without a usable name is not a reason to refuse the pull request."""
    assert convert(headRefName=ref)["head"] in (None, {"ref": None})


@pytest.mark.parametrize("number", [None, 0, -1, True, "7", 2**60, 1.0])
def test_a_broken_account_is_not_known(number: object) -> None:
    """Its login still is."""
    user = convert(author={"__typename": "User", "login": "dev-1", "databaseId": number})["user"]
    assert user == {"login": "dev-1", "type": "User", "id": None}


def test_no_more_than_a_hundred_files_are_kept_and_no_endless_path() -> None:
    """A path is cut rather than the list given up, or a long one would hide all the others."""
    files = [FILE | {"path": f"{'x' * 5_000}{number}"} for number in range(150)]
    kept = convert(files={"nodes": files}, changedFiles=150)["files"]
    assert len(kept) == MAX_FILES
    assert {len(file["filename"]) for file in kept} == {MAX_PATH}


def test_no_files_are_none_only_where_none_were_changed() -> None:
    """An empty list beside a count is one that GitHub could not work out."""
    assert convert(files={"nodes": []}, changedFiles=0)["files"] == []


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("number", 0, "number"),
        ("number", True, "number"),
        ("title", None, "title"),
        ("title", "x" * 2_000, "title"),
        ("title", "\ud800", "title"),
        ("body", 5, "body"),
        ("createdAt", "yesterday", "created_at"),
        ("createdAt", 1_700_000_000, "created_at"),
        ("createdAt", "2025-01-01T10:00:00", "created_at"),
        ("additions", -1, "additions"),
        ("additions", 2**63, "additions"),
        ("additions", 1.5, "additions"),
        ("deletions", float("nan"), "deletions"),
        ("changedFiles", "3", "changed_files"),
        ("commits", None, "commits"),
        ("commits", 4, "commits"),
        ("author", "dev-1", "user"),
        ("author", {"__typename": "User"}, "user.login"),
    ],
)
def test_what_cannot_be_a_pull_request_is_refused_by_the_name_of_its_field(
    field: str, value: object, named: str
) -> None:
    """The reason names the field, as REST calls it, and doesn't repeat what stood there."""
    why = refused(**{field: value}).reasons
    assert why[0].startswith(f"{named}: ")


@pytest.mark.parametrize("field", ["number", "title", "createdAt", "additions", "commits"])
def test_a_missing_key_is_refused(field: str) -> None:
    """Nothing is made up for it."""
    node = {key: value for key, value in NODE.items() if key != field}
    with pytest.raises(UnusablePullRequest):
        convert_pull_request(Edge(cursor="c", node=node), "a/b", NOW)


def test_all_reasons_are_given() -> None:
    """A person sees at once what is wrong."""
    assert len(refused(additions=-1, title=None).reasons) == 2


def test_the_unusable_is_called_by_its_number_or_by_its_place() -> None:
    """So the same one is put aside once, however often it is read."""
    assert refused(title=None).source_id == "a/b#7"
    assert refused(number="seven").source_id == "a/b@c"
    with pytest.raises(UnusablePullRequest) as caught:
        convert_pull_request(Edge(cursor="c", node=None), "a/b", NOW)
    assert caught.value.source_id == "a/b@c"
