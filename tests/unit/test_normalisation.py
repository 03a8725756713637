"""One form for what GitHub's interfaces, its webhooks and people write in several."""

import unicodedata
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from steps.common.normalisation import (
    keep_named,
    normalise_account,
    normalise_repository,
    normalise_state,
    normalise_text,
)
from steps.common.pull_request import PullRequest
from steps.fetch.conversion import convert_pull_request
from steps.fetch.queries import Edge
from steps.scoring import wording
from steps.scoring.reading import Reading
from steps.scoring.vectors import plain_rows

NOW = datetime(2026, 9, 1, tzinfo=UTC)
BOT_FORMS = [
    # lezli01/vincent#346
    ({"login": "app/dependabot", "type": "Bot"}, "dependabot[bot]", "Bot"),
    ({"login": "app/dependabot"}, "dependabot[bot]", "Bot"),
    ({"login": "dependabot", "type": "Bot"}, "dependabot[bot]", "Bot"),
    ({"login": "dependabot[bot]", "type": "User"}, "dependabot[bot]", "Bot"),
    # pwntester/octo.nvim#1254
    ({"login": "copilot-swe-agent", "type": "Bot"}, "Copilot", "Bot"),
    ({"login": "copilot-swe-agent[bot]", "type": "Bot"}, "Copilot", "Bot"),
    ({"login": "Copilot", "type": "Bot"}, "Copilot", "Bot"),
    ({"login": "copilot", "type": "User"}, "copilot", "User"),
    ({"login": "jane_acme", "type": "user"}, "jane_acme", "User"),
    ({"login": "old-name", "type": "Mannequin"}, "old-name", "Mannequin"),
    ({"login": "somebody", "type": None}, "somebody", "User"),
]


@pytest.mark.parametrize(("given_account", "login", "kind"), BOT_FORMS)
def test_an_account_has_one_login(given_account: dict[str, Any], login: str, kind: str) -> None:
    """That of REST, whichever interface it comes from."""
    found = normalise_account(given_account)
    assert (found["login"], found["type"]) == (login, kind)
    assert normalise_account(found) == found


def test_a_deleted_account_is_the_same_without_one() -> None:
    """REST shows an account of GitHub's own for it, with a number; GraphQL shows null."""
    assert normalise_account({"login": "ghost", "id": 10137, "type": "User"}) == {"login": "ghost"}


@pytest.mark.parametrize("value", [None, 5, "somebody", {}, {"login": None}, {"login": 5}])
def test_what_is_no_account_stays_as_it_is(value: Any) -> None:
    """Validation names it."""
    assert normalise_account(value) == value


@pytest.mark.parametrize(
    "repository",
    [
        {"full_name": "o/r", "name": "other", "owner": {"login": "other"}},
        {"nameWithOwner": "o/r"},
        # GitHub's events of 2012, of which the fixtures of PyGithub/PyGithub have some
        {"name": "r", "owner": {"login": "o"}},
        {"full_name": None, "name": "r", "owner": {"login": "o"}},
    ],
)
def test_a_repository_has_its_full_name(repository: dict[str, Any]) -> None:
    """That of REST, or what amounts to it."""
    assert normalise_repository(repository)["full_name"] == "o/r"


@pytest.mark.parametrize("value", [None, 5, "o/r", {}, {"name": "r"}, {"name": "r", "owner": None}, {"full_name": 5}])
def test_what_is_no_repository_stays_as_it_is(value: Any) -> None:
    """Validation names it."""
    assert normalise_repository(value) == value


@pytest.mark.parametrize(
    ("value", "is_over", "expected"),
    [("OPEN", False, "open"), ("MERGED", True, "closed"), ("Closed", True, "closed"), (None, True, "closed")],
)
def test_a_state_is_open_or_closed(value: Any, is_over: bool, expected: str) -> None:
    """GraphQL has a third one, in capitals."""
    assert normalise_state(value, is_over=is_over) == expected


@pytest.mark.parametrize("value", [None, 5, "bug", {}, [None], [5], [{}], [{"name": None}], [{"name": ""}]])
def test_entries_that_are_gone_are_dropped(value: Any) -> None:
    """GitHub's own schema allows null among assignees."""
    assert keep_named(value, "name", 10) == []


def test_a_list_of_plain_texts_is_one_of_entries() -> None:
    """Some clients send labels so."""
    assert keep_named(["bug", None, {"name": "good"}, "x" * 11], "name", 10) == [{"name": "bug"}, {"name": "good"}]


@example("\r\n")
@example("\r\r\n")
@given(st.text(max_size=30))
def test_a_text_has_one_form(text: str) -> None:
    """Composed and decomposed, with either line end; once more changes nothing."""
    once = normalise_text(text)
    assert normalise_text(unicodedata.normalize("NFD", text)) == once == normalise_text(once)
    assert normalise_text(text.replace("\n", "\r\n")) == once


LOGINS = st.sampled_from(["dev-1", "Dev-1", "renovate", "copilot-swe-agent", "ghost"])
TEXTS = st.sampled_from(["Größe ändern", "लॉगिन पृष्ठ", "Fix", "a\nb", "修复"])


@given(LOGINS, st.sampled_from(["User", "Bot"]), TEXTS, st.sampled_from(["OPEN", "CLOSED", "MERGED"]), st.booleans())
def test_rest_graphql_and_webhooks_make_equal_documents(
    login: str, kind: str, text: str, state: str, has_gaps: bool
) -> None:
    """Whatever each calls the author, the texts, the state and what is gone."""
    is_bot = kind == "Bot" and login != "ghost"
    is_ghost = login == "ghost"
    bot_login = {"copilot-swe-agent": "Copilot"}.get(login, f"{login}[bot]")
    over = None if state == "OPEN" else "2026-01-02T00:00:00Z"
    merged = over if state == "MERGED" else None
    sizes = {"additions": 1, "deletions": 2, "commits": 4}
    node = {
        **{"number": 7, "title": text, "body": text, "url": "https://x", "state": state, "isDraft": False},
        **{"createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-02T00:00:00Z", "closedAt": over},
        **{"mergedAt": merged, "additions": 1, "deletions": 2, "changedFiles": 3, "commits": {"totalCount": 4}},
        **{"baseRefName": text, "headRefName": text, "isCrossRepository": True, "authorAssociation": "NONE"},
        "author": None if is_ghost else {"__typename": "Bot" if is_bot else "User", "login": login, "databaseId": 5},
        "labels": {"nodes": [{"name": text}, None]} if has_gaps else {"nodes": [{"name": text}]},
        "assignees": {"nodes": [None]} if has_gaps else None,
        "files": {"nodes": [{"path": text, "additions": 1, "deletions": 2, "changeType": "ADDED"}]},
    }
    decomposed = unicodedata.normalize("NFD", text).replace("\n", "\r\n")
    user = {"login": "ghost", "id": 10137, "type": "User"} if is_ghost else {"login": login, "id": 5, "type": "User"}
    delivered = {
        **{"number": 7, "title": decomposed, "body": decomposed, "html_url": "https://x", "draft": False},
        "state": "open" if state == "OPEN" else "closed",
        "user": {"login": bot_login, "id": 5, "type": "Bot"} if is_bot else user,
        **{"created_at": "2026-01-01T01:00:00+01:00", "updated_at": "2026-01-02T00:00:00Z", "closed_at": over},
        **{"merged_at": merged, "changed_files": 3, "author_association": "NONE", **sizes},
        "base": {"ref": decomposed, "repo": {"full_name": "o/r"}},
        "head": {"ref": decomposed, "repo": None},
        "labels": [{"name": decomposed}, None],
        "assignees": [None] if has_gaps else [],
        "files": [{"filename": decomposed, "additions": 1, "deletions": 2, "status": "added"}],
    }
    fetched = convert_pull_request(Edge(cursor="c", node=node), "o/r", NOW)
    pull = PullRequest.model_validate(delivered)
    assert {"_id": pull.id, **pull.model_dump(), "fetched_at": NOW} == fetched
    assert PullRequest.model_validate(fetched) == pull


IRRELEVANT = ["state", "draft", "author_association", "updated_at", "closed_at", "html_url", "labels", "assignees"]
PULL: dict[str, Any] = {
    **{"number": 7, "title": "Fix", "user": {"login": "a"}, "created_at": "2026-01-01T00:00:00Z"},
    **{"additions": 1, "deletions": 2, "changed_files": 3, "commits": 4, "base": {"repo": {"full_name": "o/r"}}},
}


@given(st.sampled_from(IRRELEVANT), st.none() | st.integers() | st.text(max_size=3) | st.lists(st.none(), max_size=2))
def test_a_field_that_no_score_depends_on_refuses_nothing(name: str, value: Any) -> None:
    """Present, broken or left out, the row is the same."""
    assert plain_rows([PullRequest.model_validate(PULL | {name: value})]) == plain_rows([PullRequest(**PULL)])


@pytest.mark.parametrize(
    ("title", "words"),
    [
        # python/cpython#56940
        ("लॉगिन पृष्ठ ठीक करें", 4),
        ("إصلاح تسجيل الدخول", 3),
        ("로그인 페이지 수정", 3),
        ("נתקן את הדף", 3),
        ("修复登录页面的布局错误", 6),
        ("แก้ไขหน้าเข้าสู่ระบบ", 8),
        ("fix: add foo_bar 2.0", 5),
    ],
)
def test_words_are_counted_in_every_script(title: str, words: int) -> None:
    """With their marks, composed or not; by twos of characters where a script has no spaces."""
    for form in ("NFC", "NFD"):
        assert len(list(wording.iter_words(unicodedata.normalize(form, title)))) == words


@given(st.text(st.characters(max_codepoint=127), max_size=40))
def test_both_patterns_find_the_same_words_in_ascii(text: str) -> None:
    """One of them is only faster."""
    assert list(wording.iter_words(text)) == wording.WORD.findall(text)


def test_an_author_is_one_in_any_letter_case() -> None:
    """matrix-org/matrix-hookshot#1032"""
    rows = plain_rows([PullRequest(**PULL | {"user": {"login": login}}) for login in ("iMicknl", "imicknl")])
    assert len({Reading(row).author for row in rows}) == 1
