"""User content stays text, and the page contacts only its own service."""

import json

import pytest
import requests

from tests.pages.browser import Page
from tests.pages.pasting import SCORED, read_error

ATTACK = "<img src=x onerror=window.harmed=1><script>window.harmed=1</script>\"'><svg onload=window.harmed=1>"
HARMLESS = (
    "window.harmed === undefined && document.querySelectorAll('#result img, #result script, .ask img').length === 0"
)


def test_markup_in_a_title_and_an_author_is_shown_verbatim(page: Page, service: str) -> None:
    page.open(service)
    page.evaluate("document.querySelector('#example').click()")
    page.wait(SCORED)
    page.fill("#title", ATTACK)
    page.fill("#author", ATTACK)
    page.press("Enter")
    page.wait(f"document.querySelector('.which').textContent === {json.dumps(ATTACK)}")
    assert page.text(".verdict").count(ATTACK) == 2
    assert page.evaluate(HARMLESS)


def test_markup_in_a_url_does_nothing(page: Page, service: str) -> None:
    page.open(f"{service}/?url=https://x.example/{ATTACK}")
    read_error(page, "url-error")
    assert page.evaluate("document.querySelector('#url').value").endswith(ATTACK)
    assert page.evaluate(HARMLESS)


@pytest.mark.parametrize(
    "address", ["javascript:window.harmed=1", "data:text/html,harm", "file:///etc/passwd", "", None]
)
def test_only_a_web_url_becomes_a_link(address: str | None, page: Page, service: str) -> None:
    page.open(service)
    made = page.evaluate(f"import('/page/dom.js').then(({{ link }}) => link({json.dumps(address)}, 'here').outerHTML)")
    assert made == "<bdi>here</bdi>"


def test_the_browser_runs_only_the_services_scripts(page: Page, service: str) -> None:
    page.open(service)
    page.evaluate(
        "(script => { script.textContent = 'window.harmed = 1'; document.body.append(script); })"
        "(document.createElement('script'))"
    )
    assert page.evaluate("window.harmed === undefined")
    assert "Content Security Policy" in page.complaints.pop()


def test_the_pages_files_name_no_other_host(service: str) -> None:
    for path in ("", "page/app.js", "page/style.css"):
        answer = requests.get(f"{service}/{path}", timeout=10)
        assert answer.ok
        assert "//" not in answer.text.replace("https://github.com/owner/name/pull/1", "").replace('"://"', "")
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
