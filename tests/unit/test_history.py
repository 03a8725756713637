"""The history reads the past alone, and survives being put away."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import bson
import numpy as np
import pytest

from steps.common.errors import DataError
from steps.scoring.features import AUTHOR_FEATURES, HISTORY_FEATURES
from steps.scoring.history import History
from steps.scoring.vectors import with_own
from tests.support.past import after
from tests.support.pulls import START, pull, pulls

Read = Callable[[History, dict[str, Any]], dict[str, float]]


def read_then_update(history: History, row: dict[str, Any]) -> dict[str, float]:
    """The right order."""
    features = history.features(row)
    history.update(row)
    return features


def update_then_read(history: History, row: dict[str, Any]) -> dict[str, float]:
    """A leak: the pull request knows itself already."""
    history.update(row)
    return history.features(row)


def sees_itself(read: Read) -> bool:
    """Whether the very first pull request of a repository is told apart from a later one of the same author."""
    history = History()
    first, second = (read(history, row) for row in with_own([pull(1), pull(10)]))
    return not (first["author_before"] == 0.0 and second["author_before"] > 0.0 and first["title_unseen"] == 1.0)


def test_a_pull_request_does_not_know_itself() -> None:
    """The order of reading and updating is checked by a check that catches the wrong one."""
    assert not sees_itself(read_then_update)
    assert sees_itself(update_then_read)


def test_reading_changes_nothing() -> None:
    """Features read twice are the same, and the state too."""
    history, row = after(pulls(50)), with_own([pull(51)])[0]
    before = bson.encode(history.state())
    assert history.features(row) == history.features(row)
    assert bson.encode(history.state()) == before


def test_features_come_in_the_order_of_their_names() -> None:
    """The names listed are the names given."""
    assert tuple(after([]).features(with_own([pull()])[0])) == HISTORY_FEATURES


def test_a_state_put_away_and_taken_out_goes_on_as_if_nothing_had_happened() -> None:
    """Through BSON and back, features and further updates agree to the last bit."""
    history = after(pulls(120))
    again = History.from_state(bson.decode(bson.encode(history.state()), bson.CodecOptions(tz_aware=True)))
    for row in with_own([pull(n) for n in range(121, 160)]):
        assert read_then_update(history, row) == read_then_update(again, row)


def test_a_state_holds_no_texts() -> None:
    """Neither titles nor logins can be read out of it."""
    text = "Zanzibarquux"
    state = bson.encode(after([pull(1, title=text, body=text, author=text)]).state())
    assert text.lower().encode() not in state.lower()


def test_a_state_of_another_version_is_refused() -> None:
    """A service with other code must not read it."""
    with pytest.raises(DataError, match="version 0"):
        History.from_state(after([]).state() | {"version": 0})


def test_what_is_supposed_leaves_no_trace() -> None:
    """Company for one reading is forgotten afterwards, even where the reading fails."""
    history, (row, twin) = after(pulls(30)), with_own([pull(31), pull(31, author="stranger")])
    before = bson.encode(history.state())
    with history.supposing([twin]):
        assert history.features(row)["near_duplicates"] > 0
    with pytest.raises(ZeroDivisionError), history.supposing([twin]):
        raise ZeroDivisionError
    assert bson.encode(history.state()) == before
    assert history.features(row)["near_duplicates"] == 0


def test_the_last_day_does_not_grow_with_the_years() -> None:
    """Only what was opened within a day is remembered one by one."""
    assert len(after(pulls(200)).last_day) <= 9


def test_openings_since_then_join_the_last_day_and_nothing_else() -> None:
    """Features of the last day see them, all others stay as they were."""
    history, ended = after(pulls(30)), START + timedelta(hours=90)
    near = {"created_at": ended + timedelta(minutes=30), "title": "Fix the router for case 3"}
    first, twin, judged = with_own([pull(31 + n, **near, author=f"stranger-{n}") for n in range(3)])
    alone = history.features(judged)
    history.join([history.recent(first), history.recent(twin)])
    together = history.features(judged)
    changed = {name for name in HISTORY_FEATURES if alone[name] != together[name]}
    names = ("near_duplicates", "newcomers_hour")
    assert changed <= {*names, *(f"{name}_{what}" for name in names for what in ("rarity", "above"))}
    assert together["near_duplicates"] == pytest.approx(np.log(3))
    assert together["newcomers_hour"] == pytest.approx(np.log(4))


def test_an_opening_that_the_past_holds_already_does_not_join_again() -> None:
    """A state that was made since knows it."""
    history, rows = after(pulls(30)), with_own(pulls(30))
    before = bson.encode(history.state())
    history.join([history.recent(row) for row in rows[-5:]])
    assert bson.encode(history.state()) == before


def test_an_opening_does_not_count_for_itself() -> None:
    """A pull request that has joined and is scored again is what it was before."""
    history, row = after(pulls(30)), with_own([pull(31, author="stranger")])[0]
    before = history.features(row)
    history.join([history.recent(row)])
    assert history.features(row) == before


def test_several_openings_of_one_newcomer_are_one_newcomer() -> None:
    """Whose second one a state of last night can't tell from the first."""
    history, ended = after(pulls(30)), START + timedelta(hours=90)
    given = [pull(31 + n, author="stranger", created_at=ended + timedelta(minutes=n)) for n in range(1, 4)]
    *earlier, last = with_own(given)
    history.join(history.recent(row) for row in earlier)
    assert history.features(last)["newcomers_hour"] == pytest.approx(np.log(2))


def test_what_has_joined_is_forgotten_after_a_day() -> None:
    """As all that is remembered one by one."""
    history, ended = after(pulls(30)), START + timedelta(hours=90)
    days = [pull(31 + n, created_at=ended + timedelta(days=n)) for n in range(1, 9)]
    history.join([history.recent(row) for row in with_own(days)])
    assert len(history.last_day) <= 2


def test_the_features_that_need_a_past_are_known() -> None:
    """Those of the author are among them."""
    assert set(AUTHOR_FEATURES) <= set(HISTORY_FEATURES)


def merged_of(history: History, moment: datetime) -> float:
    """How many merged ones the author `dev-1` has for a pull request of that moment."""
    return round(
        float(np.expm1(history.features(with_own([pull(9, author="dev-1", created_at=moment)])[0])["author_merged"]))
    )


def test_a_merge_counts_only_from_the_moment_it_happened() -> None:
    """A pull request between opening and merge of an earlier one must not know of the merge: that would be a leak."""
    merged_at = START + timedelta(days=10)
    first = pull(1, author="dev-1", created_at=START, merged_at=merged_at)
    later = pull(2, author="dev-2", created_at=START + timedelta(days=30))
    history = after([first])
    assert merged_of(history, merged_at - timedelta(seconds=1)) == 0
    assert merged_of(history, merged_at) == 1
    assert merged_of(after([first, later]), merged_at - timedelta(seconds=1)) == 0
    assert merged_of(again(history), merged_at - timedelta(seconds=1)) == 0
    assert merged_of(again(history), merged_at) == 1


def test_a_pull_request_does_not_know_its_own_merge() -> None:
    """Its own `merged_at` changes none of its features."""
    history = after(pulls(60))
    open_, merged = (pull(61, merged_at=moment) for moment in (None, START + timedelta(days=90)))
    assert history.features(with_own([open_])[0]) == history.features(with_own([merged])[0])


def again(history: History) -> History:
    """The history, put away and taken out."""
    return History.from_state(bson.decode(bson.encode(history.state()), bson.CodecOptions(tz_aware=True)))
