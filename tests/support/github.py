"""The controls of the stand-in for GitHub."""

from typing import Any

import requests


class StandIn:
    """The stand-in's controls."""

    def __init__(self, address: str) -> None:
        self.address = address

    def reset(self) -> None:
        """Forget faults, settings and whatever was written."""
        requests.post(f"{self.address}/_reset", timeout=10).raise_for_status()

    def control(self, **settings: Any) -> None:
        """Set faults, the clock or fields of pull requests."""
        requests.post(f"{self.address}/_control", json=settings, timeout=10).raise_for_status()

    def stats(self) -> dict[str, int]:
        """What it was asked so far."""
        return dict(requests.get(f"{self.address}/_stats", timeout=10).json())
