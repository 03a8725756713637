"""The HTML page of a backtest."""

import re
from pathlib import Path

import numpy as np

from local import pages
from local.backtest import plot
from local.backtest.outcomes import UNWANTED
from local.backtest.result import SPLIT_MEANINGS, Backtest
from local.shares import CONFIDENCE

TEMPLATE = "backtest/backtest.html.j2"
MAX_SHOWN = 25
SHARES = {"half of them": 0.5, "nine in ten": 0.9, "95 %": 0.95, "99 %": 0.99, "all": 1.0}


def render(backtest: Backtest) -> str:
    """Render the page; every value is escaped."""
    scores = [one.score for one in backtest.opened]
    return pages.render(
        TEMPLATE,
        backtest=backtest,
        flagged=backtest.flagged[::-1],
        shown=MAX_SHOWN,
        seen=SPLIT_MEANINGS,
        unwanted=UNWANTED,
        confidence=CONFIDENCE,
        plot=plot.build_score_plot(backtest),
        histogram=plot.build_histogram(backtest),
        bottom=plot.BOTTOM,
        shares={words: float(np.quantile(scores, share)) for words, share in SHARES.items()},
    )


def write(backtest: Backtest, state: Path) -> Path:
    """Write the page into the state folder and return its path."""
    name = re.sub(r"[^\w.-]", "-", backtest.repository)
    path = state / f"backtest-{name}.html"
    pages.write(render(backtest), path)
    return path
