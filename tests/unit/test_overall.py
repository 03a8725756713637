"""One history over all repositories: what they have in common, and nothing of any one's people."""

import weakref
from collections.abc import Iterator
from typing import Any

import bson
import numpy as np

from steps.preprocess.overall import merge_histories
from steps.scoring.features import AUTHOR_FEATURES, HISTORY_FEATURES, UNKNOWN_PAST
from steps.scoring.history import History
from steps.scoring.rarity import ABOVE, RARITIES
from steps.scoring.vectors import with_own
from tests.support.pulls import TEXTS, pull, pulls


def past(count: int, repository: str, **changes: Any) -> History:
    """A repository's history."""
    history = History((text.title, text.body) for text in TEXTS)
    for row in with_own([one | changes for one in pulls(count, repository)]):
        history.update(row)
    return history


def test_the_state_over_all_gives_a_number_for_every_feature() -> None:
    """Also after it was put away and taken out."""
    whole = merge_histories([past(120, "a/a"), past(60, "b/b")])
    again = History.from_state(bson.decode(bson.encode(whole.state()), bson.CodecOptions(tz_aware=True)))
    row = with_own([pull(1, repository="never/seen")])[0]
    found = again.features(row)
    assert tuple(found) == HISTORY_FEATURES
    assert np.isfinite(list(found.values())).all()
    assert found == whole.features(row)


def test_over_one_repository_it_is_that_but_for_its_people() -> None:
    """Features that don't look at authors or the last day are the repository's own."""
    own, row = past(150, "a/a"), with_own([pull(200, author="nobody-knows")])[0]
    mine, whole = own.features(row), merge_histories([own]).features(row)
    people = {*AUTHOR_FEATURES, *UNKNOWN_PAST, *RARITIES, *ABOVE}
    others = [name for name in HISTORY_FEATURES if name not in people]
    assert {name: mine[name] for name in others} == {name: whole[name] for name in others}


def test_counts_are_those_of_all_repositories() -> None:
    """A word that is common in one of them is not rare over all."""
    with_word, without = past(100, "a/a", title="Zanzibar quux"), past(100, "b/b")
    whole = merge_histories([with_word, without])
    row = with_own([pull(1, title="Zanzibar quux")])[0]
    odds = [history.features(row)["title_elsewhere"] for history in (with_word, whole, without)]
    assert odds == sorted(odds)
    assert (whole.seen, whole.vocabulary.titles.calls, sum(whole.authors.hours)) == (200, 200, 224.0)


def test_regressions_weigh_by_what_they_have_learned() -> None:
    """A repository of huge changes counts as much as it is large."""
    large, small = past(300, "a/a", additions=10), past(30, "b/b", additions=50_000)
    row = with_own([pull(1, additions=700)])[0]
    surprises = [history.features(row)["size_surprise"] for history in (large, merge_histories([large, small]), small)]
    assert surprises == sorted(surprises, reverse=True)
    order = merge_histories([small, large]).features(row)["size_surprise"]
    assert abs(order - surprises[1]) < 1e-4


def test_each_repository_has_an_even_share_of_the_recent_sizes() -> None:
    """However many there are, no more are kept than of one."""
    many = [past(450, f"a/{number}", additions=10**number) for number in range(2, 7)]
    powers = np.round(np.array(merge_histories(many).recent_lines.latest) / np.log(10))
    assert np.unique(powers, return_counts=True)[1].tolist() == [200] * 5


def test_nothing_of_an_author_is_left() -> None:
    """Neither names' hashes nor what was opened of late."""
    whole = merge_histories([past(100, "a/a")])
    assert (len(whole.authors.each), len(whole.authors.recent), len(whole.last_day)) == (0, 0, 0)


def test_histories_are_taken_one_at_a_time() -> None:
    """None of them is kept, so memory does not grow with the repositories."""
    given: list[weakref.ref[History]] = []

    def one_by_one() -> Iterator[History]:
        for number in range(4):
            assert sum(reference() is not None for reference in given) <= 1
            history = past(20, f"a/{number}")
            given.append(weakref.ref(history))
            yield history
            del history

    assert merge_histories(one_by_one()).seen == 80


def test_over_no_repositories_it_is_empty() -> None:
    """As a new one."""
    assert bson.encode(merge_histories([]).state()) == bson.encode(History().state())
