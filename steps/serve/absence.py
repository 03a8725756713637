"""MongoDB's absence: after a failure it is left alone for a while, so that nobody waits for it again and again."""

import time

AWAY_SECONDS = 5.0
"""How long MongoDB is left alone after it did not answer."""


class Absence:
    """The time in which MongoDB is not asked."""

    def __init__(self) -> None:
        self._until = 0.0

    @property
    def lasts(self) -> bool:
        """True while MongoDB is still to be left alone."""
        return time.monotonic() < self._until

    def begin(self) -> None:
        """Leave it alone from now on, for AWAY_SECONDS."""
        self._until = time.monotonic() + AWAY_SECONDS
