"""The parts of a trace: what is known of each, and what is missing and why."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Part(NamedTuple):
    """One part: its facts by name, and by name why others are missing; a fact is in exactly one of the two."""

    name: str
    facts: dict[str, Any]
    missing: dict[str, str]


class Trace(NamedTuple):
    """The answer to one question, from the delivery to the code."""

    question: str
    parts: list[Part]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {"question": self.question, "parts": [part._asdict() for part in self.parts]}


def build_part(name: str, wanted: Mapping[str, str], known: Mapping[str, Any] | None, why: str = "") -> Part:
    """Build a part from what is known.

    Args:
        name: the name of the part.
        wanted: the facts that it should have, each with the reason if it is missing.
        known: the facts; None and empty texts count as missing. None: nothing is known.
        why: the reason for all of them, if nothing is known.
    """
    facts = {fact: known[fact] for fact in wanted if known is not None and known.get(fact) not in (None, "")}
    return Part(name, facts, {fact: why or reason for fact, reason in wanted.items() if fact not in facts})
