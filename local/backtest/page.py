"""A backtest as a page of its own, for whoever decides whether alerts are worth having."""

import re
from pathlib import Path

import numpy as np

from local import pages
from local.backtest import plot
from local.backtest.result import SEEN, Backtest

TEMPLATE = "backtest/backtest.html.j2"
SHOWN = 25
SHARES = {"half of them": 0.5, "nine in ten": 0.9, "95 %": 0.95, "99 %": 0.99, "all": 1.0}


def html(backtest: Backtest) -> str:
    """The whole page; every value is escaped."""
    scores = [one.score for one in backtest.opened]
    return pages.filled(
        TEMPLATE,
        backtest=backtest,
        flagged=backtest.flagged[::-1],
        shown=SHOWN,
        seen=SEEN,
        plot=plot.scores(backtest),
        histogram=plot.histogram(backtest),
        bottom=plot.BOTTOM,
        shares={words: float(np.quantile(scores, share)) for words, share in SHARES.items()},
    )


def write(backtest: Backtest, state: Path) -> Path:
    """Write the page into the state folder, and return where it is."""
    name = re.sub(r"[^\w.-]", "-", backtest.repository)
    path = state / f"backtest-{name}.html"
    pages.write(html(backtest), path)
    return path
