"""From a GraphQL node to the document that is kept."""

from datetime import UTC, datetime
from typing import Any

import pytest

from steps.fetch.conversion import Unusable, document
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
    "createdAt": "2025-01-01T10:00:00Z",
    "updatedAt": "2025-01-03T10:00:00Z",
    "closedAt": "2025-01-02T10:00:00Z",
    "mergedAt": "2025-01-02T10:00:00Z",
    "additions": 10,
    "deletions": 2,
    "changedFiles": 3,
    "baseRefName": "main",
    "authorAssociation": "MEMBER",
    "author": {"__typename": "User", "login": "dev-1"},
    "assignees": {"nodes": [{"__typename": "User", "login": "dev-2"}]},
    "labels": {"nodes": [{"name": "bug"}]},
    "commits": {"totalCount": 4},
}


def convert(**fields: Any) -> dict[str, Any]:
    return document(Edge(cursor="c", node=NODE | fields), "a/b", NOW)


def refused(**fields: Any) -> Unusable:
    with pytest.raises(Unusable) as caught:
        convert(**fields)
    return caught.value


def test_a_document_has_the_names_of_rest() -> None:
    """Every field under the name it has in GitHub's REST interface, moments as dates."""
    assert convert() == {
        "_id": "a/b#7",
        "number": 7,
        "title": "Add a door",
        "body": "It opens.",
        "user": {"login": "dev-1", "type": "User"},
        "author_association": "MEMBER",
        "state": "closed",
        "draft": False,
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
    assert convert(author={"__typename": "Bot", "login": login})["user"] == {"login": "bump[bot]", "type": "Bot"}


def test_an_author_whose_account_is_gone_is_a_ghost() -> None:
    """As on GitHub's own pages."""
    assert convert(author=None)["user"] == {"login": "ghost", "type": "User"}


def test_lists_that_are_missing_or_hold_nothing_are_empty() -> None:
    """GraphQL may answer null for a list or for one of its items."""
    assert convert(labels=None, assignees={"nodes": [None]}) == convert(labels={"nodes": []}, assignees={"nodes": []})


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("number", 0, "number"),
        ("number", True, "number"),
        ("title", None, "title"),
        ("title", "x" * 2_000, "title"),
        ("title", "\ud800", "title"),
        ("body", 5, "body"),
        ("state", "LIMBO", "state"),
        ("state", ["OPEN"], "state"),
        ("isDraft", "no", "draft"),
        ("createdAt", "yesterday", "created_at"),
        ("createdAt", 1_700_000_000, "created_at"),
        ("createdAt", "2025-01-01T10:00:00", "created_at"),
        ("updatedAt", None, "updated_at"),
        ("additions", -1, "additions"),
        ("additions", 2**63, "additions"),
        ("additions", 1.5, "additions"),
        ("deletions", float("nan"), "deletions"),
        ("changedFiles", "3", "changed_files"),
        ("commits", None, "commits"),
        ("commits", 4, "commits"),
        ("author", "dev-1", "user"),
        ("author", {"__typename": "User"}, "user.login"),
        ("labels", {"nodes": [{"name": 5}]}, "labels.0.name"),
        ("baseRefName", "", "base.ref"),
    ],
)
def test_what_cannot_be_a_pull_request_is_refused_by_the_name_of_its_field(
    field: str, value: object, named: str
) -> None:
    """The reason names the field, as REST calls it, and doesn't repeat what stood there."""
    why = refused(**{field: value}).reasons
    assert why[0].startswith(f"{named}: ")


@pytest.mark.parametrize("field", ["number", "title", "state", "createdAt", "additions", "commits", "baseRefName"])
def test_a_missing_key_is_refused(field: str) -> None:
    """Nothing is made up for it."""
    node = {key: value for key, value in NODE.items() if key != field}
    with pytest.raises(Unusable):
        document(Edge(cursor="c", node=node), "a/b", NOW)


def test_all_reasons_are_given() -> None:
    """A person sees at once what is wrong."""
    assert len(refused(additions=-1, title=None).reasons) == 2


def test_the_unusable_is_called_by_its_number_or_by_its_place() -> None:
    """So the same one is put aside once, however often it is read."""
    assert refused(title=None).source_id == "a/b#7"
    assert refused(number="seven").source_id == "a/b@c"
    with pytest.raises(Unusable) as caught:
        document(Edge(cursor="c", node=None), "a/b", NOW)
    assert caught.value.source_id == "a/b@c"
