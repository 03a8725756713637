"""A URL pasted on the page, and what the page shows then."""

from samples.graph import SITE
from tests.pages.browser import Page

PULL = f"{SITE}/example/webshop/pull/2401"
"""One whose many commits make it odd."""
DONE = "document.body.getAttribute('aria-busy') === 'false'"
SCORED = f"{DONE} && !document.querySelector('#result').hidden"
WORDS = {"standard": "Standard", "unusual": "Unusual", "high": "High"}


def paste(page: Page, url: str) -> None:
    page.fill("#url", url)
    page.press("Enter")


def read_error(page: Page, place: str) -> str:
    """What stands beside a field, once it does; what the browser itself says of the refused request is laid aside."""
    page.wait(f"{DONE} && document.getElementById('{place}').textContent !== ''")
    page.complaints = [one for one in page.complaints if not one.startswith("network: Failed to load resource")]
    return page.text(f"#{place}")
