"""The verdict of a check."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class Outcome(Enum):
    """The outcome of a check or a comparison; the values are exit codes."""

    PASSED = 0
    FAILED = 1
    INCONCLUSIVE = 2


@dataclass(frozen=True)
class CheckVerdict:
    """Findings as lines: what is wrong with the candidate, what remains unclear, and what was seen.

    Anything wrong fails the check. It passes only if something was seen and nothing is unclear.
    """

    wrong: Sequence[str] = ()
    unclear: Sequence[str] = ()
    seen: Sequence[str] = ()

    @property
    def outcome(self) -> Outcome:
        """The outcome of the check."""
        if self.wrong:
            return Outcome.FAILED
        return Outcome.INCONCLUSIVE if self.unclear or not self.seen else Outcome.PASSED

    def format(self, check: str) -> str:
        """Format all lines, with the outcome last."""
        marked = (
            *(f"         {line}" for line in self.seen),
            *(f"UNCLEAR  {line}" for line in self.unclear),
            *(f"WRONG    {line}" for line in self.wrong),
        )
        return "\n".join((*marked, f"{check}: {self.outcome.name.lower()}"))
