"""Scoring pull requests on the page of the real service."""

import json
from typing import Any
from urllib.parse import quote

import pytest
import requests

from tests.pages.browser import Page
from tests.pages.pasting import PULL, SCORED, WORDS, paste


def score_url(address: str) -> dict[str, Any]:
    """Score the pull request through the API."""
    answer = requests.post(f"{address}/score_url", json={"url": PULL}, timeout=10)
    return dict(answer.json()["results"][0])


def test_a_pasted_url_is_scored_on_enter(page: Page, service: str) -> None:
    page.open(service)
    paste(page, PULL)
    page.wait(SCORED)
    result = score_url(service)
    assert page.text("#verdict") == WORDS[result["level"]]
    assert f"{result['score']:.2f}" in page.text(".sentence")
    assert "past pull requests" in page.text(".sentence")
    assert "example/webshop #2401" in page.text(".verdict")
    assert page.evaluate("document.querySelector('.which a').href") == PULL
    assert page.evaluate("document.activeElement.id") == "verdict"
    assert page.evaluate("document.title").startswith(WORDS[result["level"]])


def test_the_reasons_are_those_that_the_service_gives(page: Page, service: str) -> None:
    page.open(service)
    paste(page, PULL)
    page.wait(SCORED)
    told = page.text(".reasons").lower()
    reasons = score_url(service)["reasons"]
    assert reasons
    for reason in reasons:
        what, _, usual = reason.partition("; ")
        assert what.lower() in told
        assert usual.lower() in told


def test_what_people_said_about_earlier_alerts_is_shown(page: Page, service: str) -> None:
    page.open(service)
    paste(page, PULL)
    page.wait(SCORED)
    assert "Of the last 20 alerts here that people voted on, 14 were called useful." in page.text(".why")


def test_a_result_names_the_command_that_shows_what_it_comes_from(page: Page, service: str) -> None:
    """One click selects it."""
    page.open(service)
    paste(page, PULL)
    page.wait(SCORED)
    assert page.text(".command") == "./pr-sentinel trace 'example/webshop#2401'"
    assert page.evaluate("getComputedStyle(document.querySelector('.command')).userSelect") == "all"


@pytest.mark.parametrize(("history", "url", "count"), [("all", PULL, 1), ("none", PULL, 0), ("all", None, 0)])
def test_a_result_that_nobody_has_recorded_names_no_command(
    page: Page, service: str, history: str, url: str | None, count: int
) -> None:
    """Without MongoDB nothing is kept, and fields entered by hand are not a pull request."""
    page.open(service)
    result = {"repository": "a/b", "number": 1, "score": 1.5, "level": "standard", "history": history}
    shown = f"showResult({json.dumps(result)}, {json.dumps({'title': '', 'url': url})}, {{}}, null)"
    page.evaluate(f"import('/page/result.js').then(({{ showResult }}) => {shown})")
    assert page.evaluate("document.querySelectorAll('.command').length") == count


def test_the_plot_marks_the_score_between_its_lines(page: Page, service: str) -> None:
    page.open(service)
    paste(page, PULL)
    page.wait(SCORED + " && document.querySelector('.plot svg') !== null")
    result = score_url(service)
    known = requests.get(f"{service}/distribution", params={"repository": "example/webshop"}, timeout=10).json()
    places = {
        kind: float(page.evaluate(f"document.querySelector('line.mark.{kind}').getAttribute('x1')"))
        for kind in ("threshold", "high", "marker")
    }
    by_score = {"threshold": known["threshold"], "high": known["high"], "marker": result["score"]}
    assert sorted(places, key=places.__getitem__) == sorted(by_score, key=by_score.__getitem__)
    per_point = (places["high"] - places["threshold"]) / (known["high"] - known["threshold"])
    assert abs(places["threshold"] + per_point * (result["score"] - known["threshold"]) - places["marker"]) < 0.1
    assert page.evaluate("document.querySelectorAll('.plot .bar').length") > 10


def test_the_plot_is_described_in_words(page: Page, service: str) -> None:
    page.open(service)
    paste(page, PULL)
    page.wait(SCORED + " && document.querySelector('.plot svg') !== null")
    named = "document.querySelector('.plot svg').getAttribute('aria-labelledby').split(' ')"
    told = page.evaluate(f"{named}.map((id) => document.getElementById(id).textContent).join(' ')")
    assert f"This pull request scores {score_url(service)['score']:.2f}" in told
    assert page.text("figcaption") in told


def test_a_result_has_a_url_that_leads_back_to_it(page: Page, service: str) -> None:
    page.open(service)
    paste(page, PULL)
    page.wait(SCORED)
    again = page.evaluate("location.href")
    page.open(again)
    page.wait(SCORED)
    assert "example/webshop #2401" in page.text(".verdict")


def test_a_link_may_hold_the_url_in_its_hash(page: Page, service: str) -> None:
    page.open(f"{service}/#url={quote(PULL, safe='')}")
    page.wait(SCORED)
    assert "example/webshop #2401" in page.text(".verdict")


def test_a_url_without_a_scheme_is_understood(page: Page, service: str) -> None:
    page.open(service)
    paste(page, PULL.removeprefix("https://"))
    page.wait(SCORED)
    assert "example/webshop #2401" in page.text(".verdict")


def test_the_example_is_plainly_unusual(page: Page, service: str) -> None:
    page.open(service)
    page.evaluate("document.querySelector('#example').focus()")
    page.press("Enter")
    page.wait(SCORED)
    assert page.text("#verdict") == "High"
    assert "41,212 lines" in page.text(".reasons")
    assert page.evaluate("document.querySelector('#empty').hidden")
    assert page.evaluate("document.querySelector('#title').value") == "Fix typo"


def test_fields_are_filled_in_and_scored_by_the_keyboard_alone(page: Page, service: str) -> None:
    page.open(service)
    page.evaluate("document.querySelector('summary').focus()")
    page.press("Enter")
    for typed in ("Fix the parser for case 4", "It failed on empty input; now it does not.", "owner/name", "dev-3"):
        page.press("Tab")
        page.command("Input.insertText", text=typed)
    for typed in ("14", "5", "2", "1"):
        page.press("Tab")
        page.command("Input.insertText", text=typed)
    page.press("Enter")
    page.wait(SCORED)
    assert "Fix the parser for case 4" in page.text(".verdict")
    assert "+14" in page.text(".verdict")
    assert "5 in 2 files, 1 commit" in page.text(".verdict")
    assert "past pull requests in owner/name" in page.text(".why")


def test_a_repository_without_a_history_is_shown_as_such(page: Page, bare: str) -> None:
    page.open(bare)
    page.evaluate("document.querySelector('#example').click()")
    page.wait(SCORED)
    assert "history could not be read" in page.text(".why")
    page.fill("#repository", "nobody/knows")
    page.press("Enter")
    page.wait(SCORED + " && document.querySelector('.sentence').textContent.includes('all repositories')")
    assert "all repositories that the model knows" in page.text("figcaption")
