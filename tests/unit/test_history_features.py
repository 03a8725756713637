"""Each feature of the history rises with what it is meant to see, and stays where it is with what is usual."""

from typing import Any

import numpy as np
import pytest

from steps.scoring.history import History
from steps.scoring.vectors import with_own
from tests.support.past import after
from tests.support.pulls import START, pull, pulls


@pytest.mark.parametrize(
    ("feature", "odd"),
    [
        ("size_surprise", {"additions": 90_000}),
        ("files_surprise", {"changed_files": 900}),
        ("deletions_surprise", {"deletions": 90_000}),
        ("commits_surprise", {"commits": 90}),
        ("small_promise_rarity", {"title": "Fix typo", "additions": 5_000}),
        ("hour_surprise", {"created_at": START.replace(year=2025, hour=4, minute=30), "author": "dev-3"}),
        ("title_unseen", {"title": "Zanzibar quux"}),
        ("title_elsewhere", {"title": "Retune the carburettor"}),
        ("foreign_text_rarity", {"title": "Retune the carburettor", "body": "Quux zanzibar blorp"}),
        ("low_effort_rarity", {"author": "stranger", "title": "hi", "body": ""}),
        ("net_deletions_rarity", {"deletions": 90_000}),
        ("silent_deletions_rarity", {"deletions": 90_000}),
        ("foreign_text_rarity", {"body": "As in #912345"}),
        ("reference_beyond", {"body": "As in #912345"}),
        ("foreign_text_rarity", {"title": "QUUX-12: Fix the router for case 3"}),
        ("low_effort_rarity", {"author": "stranger", "title": "."}),
        ("bot_impersonation_rarity", {"author": "dependabot-x", "title": "Bump a from 1.0 to 2.0"}),
    ],
)
def test_each_feature_rises_with_what_it_is_meant_to_see(feature: str, odd: dict[str, Any]) -> None:
    """Against the same pull request without the oddity."""
    history = after([pull(n, created_at=START.replace(day=1 + n % 28, month=1 + n // 28)) for n in range(300)])
    ordinary = {"created_at": START.replace(year=2025)}
    plain, strange = with_own([pull(301, **ordinary), pull(301, **(ordinary | odd))])
    assert history.features(strange)[feature] > history.features(plain)[feature]


CI = [{"path": ".github/workflows/release.yml", "additions": 3, "deletions": 1, "status": "M"}]
SOURCE = [{"path": "src/router.py", "additions": 20, "deletions": 4, "status": "M"}]
VENDORED = [{"path": f"vendor/zlib/{n}.c", "additions": 9, "deletions": 0, "status": "A"} for n in range(9)]


@pytest.mark.parametrize(
    ("feature", "files"),
    [
        ("sensitive_files_rarity", CI),
        ("new_folders", VENDORED),
        ("unnamed_files_rarity", VENDORED),
        ("scattered", [{**SOURCE[0], "path": f"part{n}/file.py"} for n in range(9)]),
        ("new_binaries_rarity", [*SOURCE, {"path": "run.exe", "additions": 0, "deletions": 0, "status": "A"}]),
        ("deleted_tests_rarity", [{"path": "tests/test_a.py", "additions": 0, "deletions": 900, "status": "D"}]),
    ],
)
def test_files_off_the_beaten_track_are_seen(feature: str, files: list[dict[str, Any]]) -> None:
    """Where the repository has seen its own files only."""
    history = after([pull(n, files=SOURCE) for n in range(1, 120)])
    plain, strange = with_own([pull(200, author="new", files=one) for one in (SOURCE, files)])
    assert history.features(strange)[feature] > history.features(plain)[feature]


def test_unknown_files_are_neutral() -> None:
    """Null is not known, and so no reason for anything."""
    history = after([pull(n, files=SOURCE) for n in range(1, 120)])
    found = history.features(with_own([pull(200, author="new", files=None)])[0])
    assert found["new_folders"] == found["new_binaries"] == found["new_files"] == 0
    assert found["sensitive_files_rarity"] == min(found["sensitive_files_rarity"], 0.1)


@pytest.mark.parametrize("age", [300, 2_500])
def test_no_rarity_grows_with_the_age_of_a_history(age: int) -> None:
    """The same kind of novelty is as rare in an old history as in a young one: one in fifty has a word never seen."""
    history = History()
    stated = []
    rows = [
        pull(n, title=f"Zanzibar{n} quux{n}" if n % 50 == 0 else f"Fix the router for case {n % 7}", commits=1)
        for n in range(1, age + 500)
    ]
    for place, row in enumerate(with_own(rows)):
        if place >= age:
            stated.append((row["title"], history.features(row)))
        history.update(row)
    novel = [found for title, found in stated if "Zanzibar" in title]
    ranks = [(found["foreign_text_above"] + 1) / (found["window_rows"] + 1) for found in novel]
    assert 1 / 100 <= float(np.median(ranks)) <= 1 / 25
    assert max(found["window_rows"] for _, found in stated) <= 1_000


@pytest.mark.parametrize(
    "title", ["Remove the router", "Move the router elsewhere", "Drop case 3", "Merge both routers"]
)
def test_a_removal_that_the_title_announces_is_not_silent(title: str) -> None:
    """Only one under another title is."""
    history = after(pulls(30))
    silent, announced = with_own([pull(31, deletions=900), pull(31, title=title, deletions=900)])
    assert history.features(silent)["silent_deletions"] > 0
    assert history.features(announced)["silent_deletions"] == 0


@pytest.mark.parametrize(("deletions", "is_silent"), [(240, False), (300, True)])
def test_what_any_rewrite_takes_away_is_not_silent(deletions: int, is_silent: bool) -> None:
    """In a quiet repository, ordinary work would be rare otherwise."""
    [row] = with_own([pull(31, additions=0, deletions=deletions)])
    assert (after(pulls(30)).features(row)["silent_deletions"] > 0) == is_silent


def test_new_folders_that_the_texts_name_are_not_unnamed() -> None:
    """The path's own words in title or description are enough."""
    history = after(pulls(30))
    unnamed, named = with_own([pull(31, files=VENDORED), pull(31, title="Vendor zlib", files=VENDORED)])
    assert history.features(unnamed)["unnamed_files"] == pytest.approx(np.log1p(9))
    assert history.features(named)["unnamed_files"] == 0


@pytest.mark.parametrize(
    ("body", "beyond"),
    [("Closes #301", 0), ("Closes #430", 0), ("Closes #431", 431), ("see owner/other#431", 0), ("&#431;", 0)],
)
def test_only_numbers_that_the_repository_cannot_have_are_beyond_it(body: str, beyond: int) -> None:
    """Issues and pull requests share their numbers, so some may be ahead of the newest pull request."""
    history = after(pulls(300))
    (row,) = with_own([pull(301, body=body)])
    assert history.features(row)["reference_beyond"] == beyond


def test_a_change_that_is_like_its_author_is_no_sweep() -> None:
    """Many files, at the author's hour and in words and folders of its own, rank below the same at an odd hour."""
    history = after(pulls(300))
    many = {"changed_files": 40, "author": "dev-1", "body": ""}
    usual, odd = with_own([pull(301, **many), pull(301, **many, created_at=START.replace(year=2025, hour=4))])
    assert history.values(usual)["insider_sweep"] < history.values(odd)["insider_sweep"]


def test_silence_says_little_of_an_author_who_never_describes() -> None:
    """Where nobody does, it says nothing; a history that was stored and read again knows the same."""
    talkative = after(pulls(300))
    silent = after(with_own([{**one, "body": ""} for one in pulls(300)]))
    (row,) = with_own([pull(301, author="dev-1", body="")])
    assert talkative.values(row)["unusual_silence"] > 0.9
    assert silent.values(row)["unusual_silence"] < 0.1
    assert silent.values(row)["insider_sweep"] <= talkative.values(row)["insider_sweep"]
    for history in (talkative, silent):
        again = History.from_state(history.state())
        assert again.values(row)["unusual_silence"] == history.values(row)["unusual_silence"]
    (described,) = with_own([pull(301, author="dev-1", body="What it does, and why.")])
    assert talkative.values(described)["unusual_silence"] == 0


@pytest.mark.parametrize(
    ("title", "names"),
    [
        ("Remove duplication in ColorField", True),
        ("test_bot: remove the color", True),
        ("Fields get a colour", True),
        ("Some other title", False),
    ],
)
def test_a_title_names_files_in_whatever_way_names_are_written(title: str, names: bool) -> None:
    """`ColorField`, `color_field` and `fields` are words of `app/color_field.rb`."""
    file = {"path": "app/color_field.rb", "additions": 1, "deletions": 1, "status": "M"}
    (row,) = with_own([pull(31, title=title, body="", files=[file])])
    assert (after(pulls(30)).features(row)["names_its_files"] > 0) == names


def test_the_lines_of_a_template_are_no_polished_text() -> None:
    """A stranger who fills in what every description here has is not praised for its length."""
    template = "\n".join(f"- [x] I have read the guide for contributors, part {word}" for word in "abcdefghijklmnop")
    tiny = {"author": "somebody", "additions": 1, "deletions": 0, "changed_files": 1, "body": template}
    (row,) = with_own([pull(301, **tiny)])
    with_template = after([{**one, "body": template} for one in pulls(300)])
    assert with_template.values(row)["polished_text"] < after(pulls(300)).values(row)["polished_text"]
