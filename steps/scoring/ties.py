"""What ties a pull request's texts to its repository: numbers, links, forms of titles, lines of its template."""

from math import log

import numpy as np

from steps.scoring.online import RecentCounts
from steps.scoring.reading import Reading, distinct

MARGIN = 100
"""Issues may be this far ahead of the newest pull request, and a tenth besides, since both share their numbers."""
NEAR = 0.7
OLD = 50
KNOWN_FORM = 3
"""Titles of a form that make it half known."""
FAMILIAR = 3
"""Descriptions in which a line stood before it counts as the template's."""


class Ties:
    """The newest number of a repository, and its latest titles' forms, tracker keys and lines of descriptions."""

    def __init__(self) -> None:
        self.newest = 0
        self.forms = RecentCounts(1 << 14, most=255)
        self.trackers = RecentCounts(1 << 12, most=255)
        self.lines = RecentCounts(1 << 16, most=255)

    def features(self, reading: Reading) -> dict[str, float]:
        """Return how far the texts lack such ties, as a weighted sum, and the plain facts that can be quoted.

        The weights are those of a logistic regression that separates texts of other repositories from own ones.
        """
        form = int(self.forms.count(distinct([reading.form]))[0])
        tracker = reading.tracker
        unknown = tracker is not None and not self.trackers.count(distinct([tracker]))[0]
        references, beyond = self._references(reading.references)
        familiar = self._familiar_share(reading)
        loose = (
            references
            - 1.5 * (reading.pull["repository"].lower() in reading.links)
            - familiar
            + 4.4 * unknown
            + 1.5 * KNOWN_FORM / (KNOWN_FORM + form)
        )
        return {
            "loose_ties": loose,
            "familiar_share": familiar,
            "reference_beyond": float(beyond),
            "newest_number": float(self.newest),
        }

    def update(self, reading: Reading) -> None:
        """Remember one pull request."""
        self.newest = max(self.newest, reading.pull["number"])
        self.forms.update(distinct([reading.form]))
        if reading.tracker is not None:
            self.trackers.update(distinct([reading.tracker]))
        if len(reading.lines):
            self.lines.update(reading.lines)

    def _references(self, numbers: list[int]) -> tuple[float, int]:
        """Return the weight of the numbers that the texts refer to, and the largest that can't be the repository's."""
        if not numbers or not self.newest:
            return 0.0, 0
        furthest = self.newest * 1.1 + MARGIN
        known = [number for number in numbers if number <= furthest]
        beyond = max((number for number in numbers if number > furthest), default=0)
        near = any(number >= NEAR * self.newest for number in known)
        age = min((log((self.newest + OLD) / (number + OLD)) for number in known), default=0.0)
        return 1.4 + 2.0 * (beyond > 0) - 4.0 * near + 0.45 * age, beyond

    def _familiar_share(self, reading: Reading) -> float:
        lines = reading.lines
        return float(np.count_nonzero(self.lines.count(lines) >= FAMILIAR)) / len(lines) if len(lines) else 0.0
