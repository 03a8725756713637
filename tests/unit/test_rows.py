"""The pass over a repository: splits by time, planted anomalies, what takes back what, and no look ahead."""

from collections import Counter
from typing import Any

import bson
import pytest

from steps.preprocess.anomalies import KINDS
from steps.preprocess.held_out import HELD_OUT_KINDS
from steps.preprocess.rows import HELD_OUT_SHARE, INJECTED_SHARE
from steps.scoring.features import NAMES
from steps.scoring.history import History
from steps.scoring.vocabulary import UNKNOWN_ODDS
from tests.support.pulls import TEXTS, passed, pull, pulls

REAL = ("train", "validation", "test")


def real(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of pull requests as they were."""
    return [row for row in rows if row["split"] in REAL]


def test_splits_follow_time() -> None:
    """The first 60 % are to train on, the next 15 % to set limits by, the rest to judge by."""
    rows = real(passed(pulls(200)))
    assert [row["split"] for row in rows] == ["train"] * 120 + ["validation"] * 30 + ["test"] * 50


def test_nothing_from_the_future_reaches_a_row() -> None:
    """Whatever comes later may change, the rows before stay the same to the last bit."""
    given = pulls(100)
    changed = given[:70] + [one | {"additions": 9_999, "title": "Other", "author": "else"} for one in given[70:]]
    assert real(passed(given))[:70] == real(passed(changed))[:70]


def test_the_size_of_the_batches_does_not_matter() -> None:
    """The history goes on from batch to batch, and starts anew with each repository."""
    given = [*pulls(90, "a/a"), *pulls(60, "b/b")]
    assert passed(given, batch=7) == passed(given, batch=1000)
    assert [row for row in passed(given) if row["repository"] == "b/b"] == passed(pulls(60, "b/b"))


def test_what_is_planted_leaves_no_trace_in_the_rows_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real rows and the final history are those of a pass without any planting."""
    given = pulls(300)
    planted = [row for row in passed(given) if row["split"] not in {"injected", "held_out"}]
    monkeypatch.setattr("steps.preprocess.rows.INJECTED_SHARE", 0.0)
    monkeypatch.setattr("steps.preprocess.rows.HELD_OUT_SHARE", 0.0)
    assert planted == passed(given)


def test_anomalies_are_planted_in_the_test_split_only_and_every_kind_occurs() -> None:
    """A quarter or so of the test split carries one, of each kind about as many."""
    rows = passed(pulls(3000))
    planted = [row for row in rows if row["split"] == "injected"]
    earliest = min(row["created_at"] for row in rows if row["split"] == "test")
    assert {row["kind"] for row in planted} == {kind.__name__ for kind in KINDS}
    assert min(Counter(row["kind"] for row in planted).values()) >= 5
    assert len(planted) == pytest.approx(750 * INJECTED_SHARE, rel=0.3)
    assert all(row["created_at"].date() >= earliest.date() for row in planted)
    assert all(row["kind"] is None for row in real(rows))


def test_kinds_that_are_held_out_have_a_split_of_their_own() -> None:
    """As many of each as of the others, and none where a choice could see them."""
    rows = passed(pulls(3000))
    held_out = Counter(row["kind"] for row in rows if row["split"] == "held_out")
    assert set(held_out) == {kind.__name__ for kind in HELD_OUT_KINDS}
    assert min(held_out.values()) >= 5
    assert sum(held_out.values()) == pytest.approx(750 * HELD_OUT_SHARE, rel=0.4)
    assert not {row["kind"] for row in rows if row["split"] != "held_out"} & set(held_out)


def test_kinds_without_material_are_left_out() -> None:
    """With no other repository to take texts from, nothing claims to come from one."""
    kinds = {row["kind"] for row in passed(pulls(1500), texts=[])}
    assert "wrong_repository" not in kinds
    assert "vendored_dump" in kinds


def test_a_planted_text_is_none_that_the_history_has_heard_of() -> None:
    """Texts from elsewhere are either known or planted, never both."""
    words = ("zebra", "quince", "violin", "harbour", "meadow", "copper")
    rows = passed(pulls(1500), texts=[text._replace(title=word) for word, text in zip(words, TEXTS, strict=True)])
    planted = [row for row in rows if row["kind"] == "wrong_repository"]
    assert planted
    assert all(row["title_elsewhere"] == pytest.approx(UNKNOWN_ODDS / 2**0.5) for row in planted)


def test_the_history_at_the_end_is_one_row_for_each_repository() -> None:
    """It can be read again, and has seen every pull request."""
    rows = [row for row in passed([*pulls(40, "a/a"), *pulls(20, "b/b")]) if row["split"] == "history"]
    states = {row["repository"]: History.from_state(bson.decode(row["state"])) for row in rows}
    assert {name: state.seen for name, state in states.items()} == {"a/a": 40, "b/b": 20}


def test_rows_hold_every_feature_as_a_number() -> None:
    """None is missing in a row of a pull request."""
    assert all(row[name] is not None for row in passed(pulls(50)) if row["split"] != "history" for name in NAMES)


@pytest.mark.parametrize(
    ("title", "body", "taken_back"),
    [
        ('Revert "Add the thing"', "Reverts owner/name#3", 3),
        ('Revert "Add the thing"', "", 3),
        ('Revert "add the thing (#3)"', "", 3),
        ("Undo a mistake", "This reverts #3 since it broke the build.", 3),
        ("Revert: “Add the thing”", "", 3),
        ('Revert "Something never seen"', "", None),
        ("Add revert support", "Adds a way to revert 3 commits.", None),
        ("Revert a later one", "Reverts #99", None),
        ("Ordinary", "See #3", None),
    ],
)
def test_what_a_pull_request_takes_back_is_read_from_its_words(title: str, body: str, taken_back: int | None) -> None:
    """By number, or by the title that it quotes; never a later one."""
    rows = real(passed([pull(3, title="Add the thing"), pull(8, title=title, body=body)]))
    assert rows[1]["reverts"] == taken_back
