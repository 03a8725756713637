"""The page's arithmetic and texts, in a browser."""

import json

import pytest

from tests.pages.browser import Page

PAST = json.dumps({"levels": [0, 0.25, 0.5, 0.5, 1], "scores": [1, 2, 2, 4, 8]})


def call_module(page: Page, module: str, call: str) -> object:
    return page.evaluate(f"import('/page/{module}.js').then((it) => it.{call})")


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.4, "0.4 %"), (62.7, "62 %"), (99.86, "99.8 %"), (99.996, "99.99 %"), (99.9999, "99.99 %")],
)
def test_a_percentage_is_never_rounded_up_to_100(share: float, words: str, page: Page, service: str) -> None:
    page.open(service)
    assert call_module(page, "words", f"formatPercent({share})") == words


@pytest.mark.parametrize(
    ("percentile", "words"),
    [
        (100, "higher than all of past pull requests"),
        (99.8, "higher than 99.8 % of past pull requests"),
        (0, "lower than nearly all of past pull requests"),
        ("null", ""),
    ],
)
def test_the_rank_of_a_score_is_described(percentile: object, words: str, page: Page, service: str) -> None:
    page.open(service)
    assert call_module(page, "words", f"describeRank({percentile}, null)") == words


def test_a_text_that_is_not_a_date_stays_as_it_is(page: Page, service: str) -> None:
    page.open(service)
    assert call_module(page, "words", "formatDate('2026-08-17T18:05:25Z', true)") == "17 Aug 2026, 18:05 UTC"
    assert call_module(page, "words", "formatDate('lately')") == "lately"
    assert call_module(page, "words", "formatDate(undefined)") == ""


def test_shares_are_interpolated_and_jump_where_scores_are_equal(page: Page, service: str) -> None:
    page.open(service)
    shares = [call_module(page, "scale", f"shareBelow({PAST}, {score})") for score in (0, 1.5, 2, 6, 9)]
    assert shares == [0, 0.125, 0.5, 0.75, 1]
    assert call_module(page, "scale", f"scoreAt({PAST}, 0.75)") == 6
    assert call_module(page, "scale", f"scoreAt({PAST}, 0)") == 1


def test_bars_add_up_to_one(page: Page, service: str) -> None:
    page.open(service)
    assert call_module(
        page, "scale", f"computeBars({PAST}, 10, 37).reduce((sum, bar) => sum + bar.share, 0)"
    ) == pytest.approx(1)


@pytest.mark.parametrize("end", [0.7, 1, 11.8, 42, 1234])
def test_ticks_are_few_round_and_within_range(end: float, page: Page, service: str) -> None:
    page.open(service)
    ticks = call_module(page, "scale", f"computeTicks({end}, 6)")
    assert isinstance(ticks, list)
    assert 3 <= len(ticks) <= 8
    assert ticks[0] == 0
    assert max(ticks) <= end
