"""Visual checks of a page, evaluated in the browser."""

from itertools import combinations
from pathlib import Path
from typing import Any

from tests.pages.browser import Page

SCRIPT = Path(__file__).with_suffix(".js").read_text("utf-8")
LEADING = 3
"""Pixels by which the box of a line is taller than its letters."""


def _evaluate(page: Page, question: str) -> Any:
    page.evaluate(SCRIPT)
    return page.evaluate(f"looking.{question}()")


def contrasts(page: Page) -> dict[str, float]:
    """Return the WCAG contrast of each visible text."""
    return {text: _contrast(colour, behind) for text, colour, behind in _evaluate(page, "texts")}


def _contrast(one: list[int], other: list[int]) -> float:
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(pixel: list[int]) -> float:
    assert pixel[3] == 255, "a text that shows through"
    shares = [value / 255 for value in pixel[:3]]
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def outside(page: Page) -> list[str]:
    """Return the elements that extend beyond the window's right edge."""
    beyond: list[str] = _evaluate(page, "outside")
    return [*beyond, "the page scrolls"] if _evaluate(page, "scrolls") else beyond


def tab_stops(page: Page) -> list[tuple[str, bool]]:
    """Return the elements that the Tab key reaches, in order, and whether their focus is visible."""
    stops: list[tuple[str, bool]] = []
    for _ in range(60):
        page.press("Tab")
        found = _evaluate(page, "focused")
        if found is None:
            return stops
        if not stops or stops[-1][0] != found[0]:
            stops.append((found[0], found[1]))
    raise AssertionError(f"the Tab key never leaves the page: {stops}")


def colliding(page: Page) -> list[tuple[str, str]]:
    """Return the pairs of the plot's texts that overlap."""
    return [
        (one["words"], other["words"])
        for one, other in combinations(_evaluate(page, "labels"), 2)
        if max(one["left"], other["left"]) < min(one["right"], other["right"])
        and max(one["top"], other["top"]) < min(one["bottom"], other["bottom"]) - LEADING
    ]
