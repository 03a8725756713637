"""Error messages of the page, and their places."""

import pytest

from samples.graph import SITE
from tests.pages.browser import Page
from tests.pages.pasting import PULL, SCORED, paste, read_error

FOCUS = "document.activeElement.id"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://other.example/a/b/pull/1", "(the samples), not at other.example"),
        (f"{SITE}/example/webshop", "is not the URL of a pull request"),
        (f"{SITE}/example/webshop/pull/999999", "999999"),
        ("", "This field is required"),
        ("https://", "is not a URL"),
    ],
)
def test_a_wrong_url_is_reported_beside_its_field(url: str, words: str, page: Page, service: str) -> None:
    page.open(service)
    paste(page, url)
    assert words in read_error(page, "url-error")
    assert page.evaluate(FOCUS) == "url"
    assert page.evaluate("document.querySelector('#url').getAttribute('aria-invalid')") == "true"
    assert page.evaluate("document.querySelector('#url').getAttribute('aria-describedby')") == "url-error"


def test_an_error_disappears_when_the_next_attempt_works(page: Page, service: str) -> None:
    page.open(service)
    paste(page, f"{SITE}/example/webshop/pull/999999")
    read_error(page, "url-error")
    paste(page, PULL)
    page.wait(SCORED)
    assert page.text("#url-error") == ""
    assert page.evaluate("document.querySelector('#url').hasAttribute('aria-invalid')") is False


def test_a_problem_takes_the_result_before_it_away(page: Page, service: str) -> None:
    page.open(service)
    paste(page, PULL)
    page.wait(SCORED)
    paste(page, f"{SITE}/example/webshop/pull/999999")
    read_error(page, "url-error")
    assert page.evaluate("document.querySelector('#result').hidden")
    assert page.evaluate("document.querySelector('#verdict')") is None


def test_a_service_without_a_token_offers_the_fields(page: Page, bare: str) -> None:
    page.open(bare)
    paste(page, "https://github.com/example/webshop/pull/1")
    words = read_error(page, "url-error")
    assert "no GitHub token" in words
    assert "enter its fields below instead" in words
    assert page.evaluate("document.querySelector('#fields').open")


def test_invalid_fields_are_marked_before_anything_is_sent(page: Page, service: str) -> None:
    page.open(service)
    page.evaluate("document.querySelector('#fields').open = true")
    page.fill("#repository", "no-owner")
    page.fill("#additions", "-1")
    page.fill("#deletions", "1.5")
    page.fill("#commits", "99999999999")
    page.press("Enter")
    assert "owner/name" in read_error(page, "repository-error")
    assert "at least 0" in page.text("#additions-error")
    assert "whole number" in page.text("#deletions-error")
    assert "too large" in page.text("#commits-error")
    assert "required" in page.text("#author-error")
    assert page.evaluate(FOCUS) == "repository"
    assert not [url for url in page.requests if url.endswith("/score")]


def test_problems_from_the_service_are_shown_beside_their_fields(page: Page, service: str) -> None:
    page.open(service)
    page.evaluate("document.querySelector('#example').click()")
    page.wait(SCORED)
    page.fill("#created_at", "")
    page.evaluate("document.querySelector('#additions').removeAttribute('max')")
    page.fill("#additions", "3000000000")
    page.press("Enter")
    assert "2147483647" in read_error(page, "additions-error")
    assert page.evaluate(FOCUS) == "additions"


def test_an_unreachable_service_is_reported(page: Page, service: str) -> None:
    page.open(service)
    page.command(
        "Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=-1, uploadThroughput=-1
    )
    paste(page, PULL)
    assert "does not respond" in read_error(page, "url-error")
    page.command(
        "Network.emulateNetworkConditions", offline=False, latency=0, downloadThroughput=-1, uploadThroughput=-1
    )
    page.press("Enter")
    page.wait(SCORED)


def test_a_busy_page_shows_it_and_sends_one_request(page: Page, service: str) -> None:
    page.open(service)
    page.command(
        "Network.emulateNetworkConditions", offline=False, latency=700, downloadThroughput=-1, uploadThroughput=-1
    )
    paste(page, PULL)
    page.press("Enter")
    assert page.text("#status") == "Scoring…"
    assert page.evaluate("[...document.querySelectorAll('button')].every((button) => button.disabled)")
    page.wait(SCORED)
    assert page.text("#status") == ""
    assert not page.evaluate("[...document.querySelectorAll('button')].some((button) => button.disabled)")
    assert len([url for url in page.requests if url.endswith("/score_url")]) == 1
