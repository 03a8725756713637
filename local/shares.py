"""Shares of few cases, with the interval in which the true share probably lies."""

from typing import NamedTuple

import scipy  # loads `stats`, which takes a second, when it is used

CONFIDENCE = 0.9


class Share(NamedTuple):
    """A number of cases among all of them."""

    number: int
    total: int

    @property
    def interval(self) -> tuple[float, float]:
        """The Wilson interval of the share, at CONFIDENCE; everything where there are no cases."""
        if not self.total:
            return 0.0, 1.0
        found = scipy.stats.binomtest(self.number, self.total).proportion_ci(CONFIDENCE, "wilson")
        return float(found.low), float(found.high)

    def format_count(self) -> str:
        """Format the numbers: `14 of the 20`."""
        return f"{self.number:,} of the {self.total:,}"

    def __str__(self) -> str:
        """Format the share and its interval: `45 % (32 to 58 %)`."""
        if not self.total:
            return "none"
        low, high = self.interval
        return f"{100 * self.number / self.total:.0f} % ({100 * low:.0f} to {100 * high:.0f} %)"
