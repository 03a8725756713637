"""What a check says of a candidate."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class Outcome(Enum):
    """Its values are exit codes."""

    PASSED = 0
    FAILED = 1
    INCONCLUSIVE = 2


@dataclass(frozen=True)
class Verdict:
    """Lines in words: what is wrong with the candidate, what can't be told of it, and what was seen.

    One thing wrong fails it. It passes only if something was seen, and nothing is left open.
    """

    wrong: Sequence[str] = ()
    unclear: Sequence[str] = ()
    seen: Sequence[str] = ()

    @property
    def outcome(self) -> Outcome:
        """The verdict in a word."""
        if self.wrong:
            return Outcome.FAILED
        return Outcome.INCONCLUSIVE if self.unclear or not self.seen else Outcome.PASSED

    def told(self, check: str) -> str:
        """All of it, the word last."""
        marked = (
            *(f"         {line}" for line in self.seen),
            *(f"UNCLEAR  {line}" for line in self.unclear),
            *(f"WRONG    {line}" for line in self.wrong),
        )
        return "\n".join((*marked, f"{check}: {self.outcome.name.lower()}"))
