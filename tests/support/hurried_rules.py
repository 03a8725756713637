"""The committed rules with shorter waits, so that alerts of hours and days fire within a test's minutes."""

import copy
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

UNITS_MS = {
    "ms": 1,
    "s": 1_000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
    "y": 31_536_000_000,
}
DURATION = re.compile(r"(\d+)(ms|[smhdwy])")
LITERAL = re.compile(rf"(?<![\w.]){DURATION.pattern}\b")
"""A duration that is not the end of a name."""
RANGE = re.compile(r"\[([^\]]*)\]")
AGE = re.compile(r"> (\d+(?: \* \d+)?)(?![\d.])")
"""What a difference to `time()` is compared with, in seconds."""
STRING = re.compile(r'"[^"]*"')
CLOCK = "time()"
Group = Mapping[str, Any]


def hurry(groups: Sequence[Group], factors: Mapping[str, int], real_ages: Collection[str] = ()) -> list[dict[str, Any]]:
    """Divide `for`, the ranges in brackets and the ages that are compared with `time()`; all else stays as it is.

    Args:
        groups: of rules, as they are committed.
        factors: by the name of an alert, or else of its group.
        real_ages: alerts whose ages stay, because what they measure does not run faster.

    Raises:
        ValueError: an expression has a wait that would stay as it is, or nothing that could be divided.
        KeyError: a group has no factor.
    """
    hurried = [dict(copy.deepcopy(group)) for group in groups]
    for group in hurried:
        for rule in group["rules"]:
            name = rule.get("alert", rule.get("record"))
            factor = factors.get(name, factors[group["name"]])
            rule["expr"] = _hurry_expression(name, rule["expr"], factor, keeps_ages=name in real_ages)
            if "for" in rule:
                rule["for"] = divide(rule["for"], factor)
    return hurried


def divide(duration: str, factor: int) -> str:
    """Divide a duration such as `1h30m`, to whole milliseconds.

    Raises:
        ValueError: it is not a duration, or less than a millisecond would be left.
    """
    parts = DURATION.findall(duration)
    if "".join(number + unit for number, unit in parts) != duration:
        raise ValueError(f"{duration!r} is not a duration")
    if not (milliseconds := sum(int(number) * UNITS_MS[unit] for number, unit in parts) // factor):
        raise ValueError(f"of {duration}, divided by {factor}, nothing is left")
    return f"{milliseconds}ms"


def _hurry_expression(name: str, expression: str, factor: int, *, keeps_ages: bool) -> str:
    """Divide the waits of an expression."""
    plain = STRING.sub("", expression)
    if rest := LITERAL.search(RANGE.sub("", plain)):
        raise ValueError(f"{name}: {rest[0]} is outside of brackets")
    if (CLOCK in plain) != bool(_ages(plain)):
        raise ValueError(f"{name}: only ages are compared with seconds, and ages are differences to {CLOCK}")

    def shorten(found: re.Match[str]) -> str:
        return f"[{':'.join(divide(part, factor) if part else '' for part in found[1].split(':'))}]"

    hurried = RANGE.sub(shorten, expression)
    if CLOCK not in plain or keeps_ages:
        return hurried
    return AGE.sub(lambda found: f"> {found[1]} / {factor}", hurried)


def _ages(plain: str) -> list[str]:
    """Return what is long enough to be an age: a product, or more than a thousand."""
    return [found for found in AGE.findall(plain) if "*" in found or int(found) > UNITS_MS["s"]]
