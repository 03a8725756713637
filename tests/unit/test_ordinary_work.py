"""What maintainers see every day is not made out to be more than that."""

from typing import Any

import pytest

from steps.scoring.history import History
from steps.scoring.vectors import with_own
from tests.support.pulls import START, pull, pulls

GUIDE = [{"path": "guides/routing.md", "additions": 2, "deletions": 1, "status": "M"}]
README = [{**GUIDE[0], "path": "README.md"}]
ADDED = [{**GUIDE[0], "status": "A"}]
PROGRAM = [{**GUIDE[0], "path": "guides.py"}]
SMALL = {"additions": 2, "deletions": 1, "changed_files": 1, "commits": 1}


def after(rows: list[dict[str, Any]]) -> History:
    """A history that has seen these."""
    history = History()
    for row in with_own(rows):
        history.update(row)
    return history


def values(history: History, **changes: Any) -> dict[str, float]:
    """What the history makes of one more pull request, of the next year."""
    (row,) = with_own([pull(1_000, **({"created_at": START.replace(year=2025)} | changes))])
    return history.values(row)


def rolls(title: str, commits: int = 40, merged: bool = True) -> list[dict[str, Any]]:
    """Very many pull requests of one account; `title` takes their numbers."""
    end = {} if merged else {"merged_at": None}
    shape = {"author": "roller", "additions": 1, "deletions": 1, "changed_files": 1, "commits": commits}
    return [pull(n, title=title.format(n), **shape, **end) for n in range(1, 160)]


ROLL = {"author": "roller", "title": "Roll engine (stable) from a1 to b2", "additions": 1, "deletions": 1}


def test_an_account_that_does_one_thing_alone_is_compared_with_itself() -> None:
    """Twice the commits of its most are nothing new, and many more are; so too after the state was stored."""
    history = after(rolls("Roll engine from a{0} to b{0}"))
    assert values(history, **ROLL)["automated"]
    assert values(history, **ROLL | {"title": "Manual roll engine from a1 to b2"})["automated"]
    assert values(history, **ROLL, commits=75)["commits_for_lines"] < 0
    assert values(history, **ROLL, commits=900)["commits_for_lines"] > 0
    again = History.from_state(history.state())
    assert values(again, **ROLL, commits=75) == values(history, **ROLL, commits=75)


@pytest.mark.parametrize(
    ("rows", "changes"),
    [
        (rolls("Roll engine from a{0} to b{0}"), {"title": "Add a login without a password"}),
        (rolls("Roll engine from a{0} to b{0}", merged=False), {}),
        (rolls("Roll engine from a{0} to b{0}")[:60], {}),
        (pulls(400), {"author": "dev-1"}),
        ([*rolls("Roll engine from a{0}"), *rolls("Part {0} of the router")], {}),
    ],
)
def test_whoever_does_anything_else_is_no_machine(rows: list[dict[str, Any]], changes: dict[str, Any]) -> None:
    """Not with another title, nor before much of it was merged, nor where half of it was something else."""
    assert not values(after(rows), **(ROLL | changes))["automated"]


@pytest.mark.parametrize(
    ("files", "body", "ordinary"),
    [
        (GUIDE, "", True),
        (README, "The second link was dead.", True),
        (README, "", False),
        (ADDED, "", False),
        (PROGRAM, "", False),
        ([*GUIDE, *README], "", False),
    ],
)
def test_a_stranger_may_correct_a_line_of_a_guide(files: list[dict[str, Any]], body: str, ordinary: bool) -> None:
    """It looks less dashed off than the same to a program, or than a new file, or than the page that all see first."""
    history = after(pulls(120))
    edit = {"author": "somebody", "title": "Update guides", "body": body, **SMALL}
    edit |= {"changed_files": len(files)}
    plain = values(history, **edit, files=[PROGRAM[0]] * len(files))["low_effort"]
    assert (values(history, **edit, files=files)["low_effort"] < plain) == ordinary


@pytest.mark.parametrize(
    ("changes", "ordinary"),
    [
        ({}, True),
        ({"title": "Fix it"}, False),
        ({"title": "Update retry.py"}, False),
        ({"files": [{**PROGRAM[0], "path": "retry.py"}]}, False),
        ({"files": [{**PROGRAM[0], "path": "lib/retry.py", "status": "A"}]}, False),
        ({"additions": 60}, False),
        ({"files": [{**PROGRAM[0], "path": f"lib/retry_{n}.py"} for n in range(5)], "changed_files": 5}, False),
    ],
)
def test_a_stranger_may_correct_what_the_title_names(changes: dict[str, Any], ordinary: bool) -> None:
    """A few lines, in files that are there and that nobody sees first."""
    history = after(pulls(120))
    edit: dict[str, Any] = {"author": "somebody", "title": "Fix typo in the retry command", "body": "", **SMALL}
    edit |= {"files": [{**PROGRAM[0], "path": "lib/retry.py"}]}
    unknown = values(history, **(edit | changes | {"files": None}))["low_effort"]
    assert (values(history, **(edit | changes))["low_effort"] < unknown - 1) == ordinary


@pytest.mark.parametrize(
    ("paths", "ordinary"),
    [
        (["lib/retry.py", "tests/test_retry.py"], True),
        (["lib/retry.py", "lib/wait.py"], False),
        (["docs/retry.md", "tests/test_retry.py"], False),
        (["tests/test_retry.py"], False),
    ],
)
def test_code_with_its_tests_is_not_dashed_off(paths: list[str], ordinary: bool) -> None:
    """Whoever only wants to be seen writes none."""
    history = after(pulls(120))
    edit: dict[str, Any] = {"author": "somebody", "title": "Retry more", "body": "", "additions": 90, "deletions": 2}
    files = [{**PROGRAM[0], "path": path} for path in paths]
    unknown = values(history, **edit, files=None)["low_effort"]
    assert (values(history, **edit, files=files)["low_effort"] < unknown - 0.9) == ordinary


@pytest.mark.parametrize(("commits", "counts"), [(6, 0.0), (14, 0.65), (20, 1.0)])
def test_a_branch_that_nobody_squashed_is_no_flood(commits: int, counts: float) -> None:
    """A few commits more than lines are nothing, dozens are all they seem."""
    history = after(pulls(300))
    row = values(history, author="dev-1", additions=1, deletions=0, changed_files=1, commits=commits)
    ratio = row["log_commits"] - 1.2 * 1.6
    assert row["commits_for_lines"] == pytest.approx(counts * ratio, rel=0.02, abs=1e-6)


@pytest.mark.parametrize(("lines", "floods"), [(2, True), (15, True), (60, False), (500, False)])
def test_dozens_of_commits_for_dozens_of_lines_are_no_flood(lines: int, floods: bool) -> None:
    """They are a branch that somebody worked on for weeks."""
    history = after(pulls(300))
    row = values(history, author="dev-1", additions=lines, deletions=0, changed_files=1, commits=80)
    assert (row["commits_for_lines"] > 0) == floods


@pytest.mark.parametrize(
    ("title", "author", "given_slack"),
    [
        ("Minor improvements to the router", "dev-1", True),
        ("Small cleanup of the cache", "dev-1", True),
        ("Minor improvements to the router", "somebody", False),
        ("Minor spelling fix", "dev-1", False),
        ("Fix typos in the router", "dev-1", False),
    ],
)
def test_what_known_authors_call_minor_may_be_larger(title: str, author: str, given_slack: bool) -> None:
    """A typo is a typo, whoever corrects it."""
    history = after(pulls(300))
    strict = values(history, title="Fix typos", author="somebody", additions=300)["small_promise"]
    assert (values(history, title=title, author=author, additions=300)["small_promise"] < strict) == given_slack


def test_a_title_that_speaks_of_texts_and_more_promises_no_texts_alone() -> None:
    """The other half of the title is about the other files."""
    history = after(pulls(30))
    alone = values(history, title="Improve the documentation of hooks", additions=900)
    with_more = values(history, title="Improve the documentation of hooks and move helpers out", additions=900)
    assert alone["docs_promise"] > 0
    assert with_more["docs_promise"] == 0


def test_a_series_that_known_authors_share_out_is_no_burst() -> None:
    """The same title from a newcomer is."""
    history = after(pulls(300))
    near = pull(301).get("created_at")
    for row in with_own([pull(301, title="Raise the types of part one", author="dev-2")]):
        history.update(row)
    title = "Raise the types of part one"
    assert values(history, title=title, author="dev-1", created_at=near)["near_duplicates"] == 0
    assert values(history, title=title, author="somebody", created_at=near)["near_duplicates"] > 0
