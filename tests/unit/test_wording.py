"""Titles, logins and branches are told apart by how they look."""

import pytest

from steps.scoring import wording


@pytest.mark.parametrize(
    ("title", "promises"),
    [
        ("Fix typo in parser", True),
        ("fix small typos", True),
        ("Minor spelling fix", True),
        ("Small doc changes", True),
        ("Fix grammar", True),
        ("Add Grammar class", False),
        ("typo::check is slow", False),
        ("MINOR: migrate the integration test", False),
        ("Use indentation for sections", False),
        ("Speed up `typo` lint", False),
        ("Fix typos and grammar", True),
        ("Fix typos and refactor the group coordinator's tests", False),
        ("docs: typo, update link", False),
        ("Add rack awareness and other minor changes", False),
        ("Make various minor fixes to the test suite", True),
    ],
)
def test_small_promises(title: str, promises: bool) -> None:
    """Names in code and prefixes of a project are none, nor is the lesser half of a title."""
    assert (wording.find_small_promise(title) is not None) == promises


@pytest.mark.parametrize(
    ("title", "promises"),
    [("docs: explain the cache", True), ("Update the readme", True), ("Leave comments out of generated files", False)],
)
def test_titles_that_promise_texts_alone(title: str, promises: bool) -> None:
    """Comments stand in any file, so a title that speaks of them promises nothing about the files."""
    assert bool(wording.DOCS_PROMISE.search(title)) == promises


@pytest.mark.parametrize(
    ("title", "bump"),
    [
        ("Bump lodash from 4.17.15 to 4.17.21", True),
        ("chore(deps): update dependency axios to v1.6.2", True),
        ("build(deps): bump the bundler group from 1.0 to 1.1", True),
        ("Update README.md", False),
        ("Bump the log level", False),
    ],
)
def test_version_bumps(title: str, bump: bool) -> None:
    """As dependency bots write them."""
    assert bool(wording.VERSION_BUMP.search(title)) == bump


def test_a_name_and_a_title_of_a_bot_add_up() -> None:
    """A well-known bot's name weighs more than any bot's."""
    bump = "Bump lodash from 4.17.15 to 4.17.21"
    likeness = [wording.bot_likeness(*one) for one in (("ann", "Fix"), ("my-bot", "Fix"), ("dependab0t", "Fix"))]
    assert likeness == [0.0, 1.0, 2.0]
    assert wording.bot_likeness("renovate-x", bump) == 3.0


def test_look_alikes_are_alike() -> None:
    """Combining marks and compatibility forms are taken off."""
    assert wording.fold("Bi\u0301p ﬁx") == "Bip fix"


def test_a_form_keeps_the_opening_and_the_kinds_of_the_words() -> None:
    """Two titles of one form differ in their words only."""
    assert wording.title_form("Fix the Router for case 7") == wording.title_form("Fix the Parser for case 9")
    assert wording.title_form("Fix it") != wording.title_form("Add it")
