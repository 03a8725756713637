"""What a rule finds, and where."""

from typing import NamedTuple


class Finding(NamedTuple):
    """A broken rule; `rule` is its short name."""

    path: str
    line: int
    rule: str
    advice: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.advice}"
