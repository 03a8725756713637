"""MongoDB's absence: a response waits only briefly for it, and after a failure it is left alone for a while."""

import asyncio
import time
from collections.abc import Collection
from typing import Any

AWAY_SECONDS = 5.0
"""How long MongoDB is left alone after it did not answer."""
TIMEOUT_MS = 5_000
"""The longest that an operation takes, which a response need not wait for."""
MAX_WAIT_SECONDS = 0.8
"""The longest that a response waits for MongoDB; what it asked for is read all the same, for the next one."""


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

    async def wait_for(self, reads: Collection["asyncio.Task[Any]"]) -> None:
        """Wait for reads for as long as a response may; if they take longer, the next responses don't wait at all."""
        if not reads or self.lasts:
            return
        _, late = await asyncio.wait(reads, timeout=MAX_WAIT_SECONDS)
        if late:
            self.begin()
