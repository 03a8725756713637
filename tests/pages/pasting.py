"""A URL pasted on the page, and what the page shows then."""

from samples.graph import SITE
from tests.pages.browser import Page

PULL = f"{SITE}/example/webshop/pull/2401"
"""A pull request whose many commits make it unusual."""
DONE = "document.body.getAttribute('aria-busy') === 'false'"
SCORED = f"{DONE} && !document.querySelector('#result').hidden"
WORDS = {"standard": "Standard", "unusual": "Unusual", "high": "High"}


def paste(page: Page, url: str) -> None:
    page.fill("#url", url)
    page.press("Enter")


def read_error(page: Page, place: str) -> str:
    """Wait for the error beside a field and return it; ignore the browser's own message about the request."""
    page.wait(f"{DONE} && document.getElementById('{place}').textContent !== ''")
    page.complaints = [one for one in page.complaints if not one.startswith("network: Failed to load resource")]
    return page.text(f"#{place}")
