"""Statements of rarity are held against what later pull requests showed."""

import numpy as np
import pytest

from benchmarks.detection.rarity import (
    MIN_LATER,
    Bound,
    Statement,
    build_cells,
    by_cell,
    is_true,
    judge,
    read_bound,
    read_statement,
    summarise,
)

HERE, THERE = "owner/here", "owner/there"


def say(
    number: float, times: int, *, repository: str = HERE, feature: str = "size", fewer: bool = False
) -> list[Statement]:
    """The same statement of several pull requests."""
    return [Statement(repository, feature, number, fewer)] * times


@pytest.mark.parametrize(
    ("words", "number", "fewer"),
    [
        ("changes 41,212 lines; about one in 87 are like that", 87, False),
        ("has 60 commits; fewer than one in 1,000 are like that", 1_000, True),
        ("deletes 90,000 lines; none of the latest 1,000 here delete that much more than they add", 1_000, True),
    ],
)
def test_a_rarity_is_read_out_of_a_reason(words: str, number: int, fewer: bool) -> None:
    """With its thousands, and whether it says fewer."""
    assert read_statement(words, HERE, "size") == Statement(HERE, "size", number, fewer)


def test_other_words_state_no_rarity() -> None:
    """They are not counted as true."""
    assert read_statement("changes 900 lines; 99 % here change at most 400 lines", HERE, "size") is None


@pytest.mark.parametrize(("times", "is_so"), [(4, False), (5, True), (10, True), (20, True), (21, False)])
def test_one_in_a_hundred_may_be_off_by_a_factor_of_two(times: int, is_so: bool) -> None:
    """Ten are expected among 1,000: five to twenty make it true, rarer and commoner ones don't."""
    (verdict,) = judge(build_cells(say(100, times), {HERE: 1_000}))
    assert verdict.is_true is is_so


def test_what_grows_with_age_is_found_out() -> None:
    """8 % that are each called rarer than one in 1,000, as a share of a growing count would have it."""
    verdicts = judge(build_cells(say(1_000, 160, fewer=True), {HERE: 2_000}))
    assert summarise(verdicts)["true_share"] == 0.0
    assert verdicts[0].ratio == pytest.approx(80)


def test_fewer_may_be_as_few_as_it_likes() -> None:
    """Two among 20,000, where twenty would do."""
    (verdict,) = judge(build_cells(say(1_000, 2, fewer=True), {HERE: 20_000}))
    assert verdict.is_true


def test_rarer_ones_count_as_like_that() -> None:
    """One in 50 holds, for the ten that are rarer still are like that too."""
    cells = build_cells(say(50, 10) + say(500, 10), {HERE: 1_000})
    assert [(cell.bin, cell.expected, cell.found) for cell in cells] == [(2, 20.0, 20), (4, 2.0, 10)]


def test_a_small_repository_is_judged_with_the_others() -> None:
    """One in 400 among 400 alone can be neither confirmed nor refuted; over several repositories it can."""
    later = {f"owner/{number}": 400 for number in range(6)}
    true_ones = [one for name in later for one in say(400, 1, repository=name)]
    verdicts = judge(build_cells(true_ones, later))
    assert all(verdict.pooled and verdict.is_true for verdict in verdicts)
    false_ones = [one for name in later for one in say(400, 3, repository=name)]
    assert all(verdict.is_true is False for verdict in judge(build_cells(false_ones, later)))


def test_few_that_cannot_be_chance_are_false_all_the_same() -> None:
    """Half of one is expected of "fewer than one in 1,000" among 500: twenty refute it, two don't."""
    (refuted,) = judge(build_cells(say(1_000, 20, fewer=True), {HERE: 500}))
    (open_question,) = judge(build_cells(say(1_000, 2, fewer=True), {HERE: 500}))
    assert refuted.is_true is False
    assert open_question.is_true is None


def test_what_cannot_be_judged_is_not_counted_as_true() -> None:
    """Nor as false; it is counted by itself."""
    summary = summarise(judge(build_cells(say(1_000, 2, fewer=True) + say(100, 30), {HERE: 500})))
    assert (summary["statements"], summary["unjudged"], summary["true_share"]) == (32, 2, 0.0)


def test_one_true_feature_does_not_hide_a_false_one() -> None:
    """Each is judged alone, and the share is one of statements, not of features."""
    statements = say(100, 10) + say(100, 90, feature="words")
    summary = summarise(judge(build_cells(statements, {HERE: 1_000})))
    assert summary["true_share"] == pytest.approx(0.1)
    assert summary["features"]["size"]["true_share"] == 1.0
    assert summary["features"]["words"]["worst_ratio"] == pytest.approx(9)


def test_one_true_repository_does_not_hide_a_false_one() -> None:
    """Where each has enough to be judged alone."""
    statements = say(100, 10) + say(100, 60, repository=THERE)
    verdicts = by_cell(judge(build_cells(statements, {HERE: 1_000, THERE: 1_000})))
    assert is_true(Statement(HERE, "size", 100, fewer=False), verdicts) is True
    assert is_true(Statement(THERE, "size", 100, fewer=False), verdicts) is False


def test_too_small_repositories_are_left_out() -> None:
    """They make no cell, and a statement there is unjudged rather than true."""
    verdicts = judge(build_cells(say(100, 3), {HERE: MIN_LATER - 1}))
    assert verdicts == []
    assert summarise(verdicts)["true_share"] is None
    assert is_true(Statement(HERE, "size", 100, fewer=False), by_cell(verdicts)) is None


def test_a_bound_is_read_and_held_against_later_ones() -> None:
    """At most twice as many as stated may exceed it."""
    bound = read_bound("adds 716 lines in 30 files; 99 % of the latest pull requests here change at most 1,018 files")
    assert bound == Bound(0.99, 1_018, "file")
    assert read_bound("adds 716 lines in 30 files") is None
    values = np.array([float(number) for number in range(39, 1_039)])
    assert bound.holds(values)
    assert not bound.holds(values + 1)
