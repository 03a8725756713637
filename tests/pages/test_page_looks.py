"""The page is readable for everybody: on a phone, in the dark, by keyboard, in print."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.pages import looking
from tests.pages.browser import Page
from tests.pages.pasting import PULL, SCORED, WORDS, paste

DRAWN = f"{SCORED} && document.querySelector('.plot svg') !== null"
STEADY = "new Promise((done) => setTimeout(done, 300))"
"""Longer than the page's transitions."""
SEEN = 100
"""Pixels of a colour that make a line, a bar or a word."""
STOPS = ["url", "Score", "Or enter the fields by hand", "title", "body", "repository", "author", "additions"]
STOPS += ["deletions", "changed_files", "commits", "created_at", "Score fields"]


def show_result(page: Page, address: str) -> None:
    """Open a page with a result and open fields."""
    page.open(address)
    paste(page, PULL)
    page.wait(DRAWN)
    page.evaluate("document.querySelector('#fields').open = true")
    page.evaluate(STEADY)


def show_errors(page: Page) -> None:
    """Show errors, which take the result away."""
    page.fill("#additions", "-1")
    page.press("Enter")
    page.evaluate(STEADY)


def show(page: Page, *, threshold: float = 4, high: float = 6, score: float = 11, level: str = "high") -> None:
    """Show a synthetic result."""
    result = {"repository": "a/b", "score": score, "level": level, "percentile": 100, "history": "all", "reasons": []}
    past = {"levels": [0, 0.5, 1], "scores": [0.2, 2, 8], "threshold": threshold, "high": high, "known": True}
    given = ", ".join(json.dumps(part) for part in (result, {"title": "x"}, {"name": "n", "version": "1"}, past))
    page.evaluate(f"import('/page/result.js').then((it) => it.showResult({given}))")


def count_near(pixels: NDArray[np.uint8], colour: str) -> int:
    """Count the pixels of a colour given as #rrggbb."""
    wanted = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)])
    return int((np.abs(pixels.astype(int) - wanted).max(axis=2) <= 2).sum())


def faint(page: Page) -> dict[str, float]:
    """Return the texts whose contrast is too low."""
    return {text: found for text, found in looking.contrasts(page).items() if found < 4.5}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_enough_contrast(scheme: str, page: Page, service: str) -> None:
    page.look(scheme=scheme)
    page.open(service)
    assert faint(page) == {}
    show_result(page, service)
    assert len(looking.contrasts(page)) > 60
    assert faint(page) == {}
    show_errors(page)
    assert faint(page) == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("level", ["standard", "unusual", "high"])
def test_every_level_has_enough_contrast(level: str, scheme: str, page: Page, service: str) -> None:
    page.look(scheme=scheme)
    page.open(service)
    show(page, level=level)
    assert page.text("#verdict") == WORDS[level]
    assert faint(page) == {}


def test_the_page_fits_a_phone(page: Page, service: str) -> None:
    page.look(width=360, height=740)
    page.open(service)
    assert looking.outside(page) == []
    show_result(page, service)
    assert looking.outside(page) == []
    show_errors(page)
    assert looking.outside(page) == []


def test_the_page_fits_a_phone_when_texts_have_no_spaces(page: Page, service: str) -> None:
    page.look(width=360, height=740)
    page.open(service)
    page.evaluate("document.querySelector('#example').click()")
    page.wait(DRAWN)
    page.fill("#title", 1_000 * "x")
    page.fill("#author", 1_000 * "y")
    page.fill("#repository", f"{100 * 'o'}/{100 * 'n'}")
    page.press("Enter")
    page.wait("document.querySelector('.verdict').textContent.includes('yyyy')")
    assert looking.outside(page) == []


def test_the_tab_key_reaches_everything_in_order_with_visible_focus(page: Page, service: str) -> None:
    page.open(service)
    page.evaluate("document.querySelector('#fields').open = true")
    stops = looking.tab_stops(page)
    assert [name for name, _ in stops] == [*STOPS, "example", "OpenAPI description"]
    assert all(seen for _, seen in stops)


def test_every_field_has_a_label_and_an_error_text(page: Page, service: str) -> None:
    page.open(service)
    fields = page.evaluate(
        "[...document.querySelectorAll('input, textarea')].map((field) => "
        "[field.id, field.labels.length, document.getElementById(field.getAttribute('aria-describedby')) !== null])"
    )
    assert len(fields) == 10
    assert all(labels == 1 and complaint for _, labels, complaint in fields)


@pytest.mark.parametrize("width", [360, 500, 760, 1100])
@pytest.mark.parametrize("limits", [(4, 6, 11), (4, 4.05, 4.1), (0.1, 0.2, 0.3), (9, 9.5, 2), (5, 5, 5), (3, 40, 41)])
def test_labels_of_the_plot_never_overlap(
    limits: tuple[float, float, float], width: int, page: Page, service: str
) -> None:
    page.look(width=width)
    page.open(service)
    threshold, high, score = limits
    show(page, threshold=threshold, high=high, score=score)
    page.wait("document.querySelectorAll('.plot .label').length === 3")
    assert looking.colliding(page) == []
    assert looking.outside(page) == []


def test_screenshots_show_the_important_parts(page: Page, service: str, tmp_path: Path) -> None:
    colours = {
        "light": {"bar": "#b4c2ee", "marker": "#3451b2", "threshold": "#92560a", "high": "#b42318"},
        "dark": {"bar": "#465a99", "marker": "#9db2ff", "threshold": "#f1bd6c", "high": "#ff9d92"},
    }
    brightness = {}
    for name, width, scheme in (("light", 1100, "light"), ("dark", 1100, "dark"), ("phone", 360, "light")):
        page.look(width=width, height=900, scheme=scheme)
        page.open(service)
        paste(page, PULL)
        page.wait(DRAWN)
        page.evaluate(STEADY)
        pixels = page.screenshot(tmp_path / f"{name}.png")
        assert pixels.shape[1] == width
        for what, colour in colours[scheme].items():
            assert count_near(pixels, colour) >= SEEN, f"{what} can't be seen in {name}"
        assert pixels.std() > 10
        brightness[name] = pixels.mean()
    assert brightness["light"] > 220
    assert brightness["phone"] > 220
    assert brightness["dark"] < 60


def test_reduced_motion_is_respected(page: Page, service: str) -> None:
    page.open(service)
    duration = "getComputedStyle(document.querySelector('#result')).transitionDuration"
    assert page.evaluate(duration) != "0s"
    page.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
    assert page.evaluate(duration) == "0s"


def test_print_shows_the_result_and_no_forms(page: Page, service: str) -> None:
    page.open(service)
    paste(page, PULL)
    page.wait(DRAWN)
    page.command("Emulation.setEmulatedMedia", media="print")
    assert page.text(".ask") == ""
    assert page.text("#verdict") != ""
