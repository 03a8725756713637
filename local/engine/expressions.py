"""The few expressions that the rendered templates use; all others are rejected."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

REFERENCE = re.compile(r"\{\{(.*?)\}\}")
SUPPORTED_REFERENCE = re.compile(
    r"item|workflow\.(?:name|status|failures)|workflow\.parameters\.[\w-]+|tasks\.[\w-]+\.outputs\.parameters\.[\w-]+"
)
CONDITION = re.compile(r"(\{\{[^{}]+\}\}) (==|!=) (\w+)")
DEPENDENCY = re.compile(r"([\w-]+)(?:\.(Succeeded|Failed|Errored|Skipped|Omitted|AnySucceeded))?")
RETRY = re.compile(r"asInt\(lastRetry\.exitCode\) not in \[(\d+(?:, \d+)*)\]")
ANY_SUCCEEDED = "AnySucceeded"
"""Met by a fan-out of which at least one has succeeded, whatever became of the others."""
DEFAULT_PHASES = frozenset({"Succeeded", "Skipped"})
"""The phases that a dependency without an explicit result accepts."""


class UnresolvedReference(Exception):
    """A reference has no value."""


def find_references(text: str) -> list[str]:
    """Return the references between double braces."""
    return [name.strip() for name in REFERENCE.findall(text)]


def check_references(text: str) -> str:
    """Check that all references in a text have a supported form."""
    for name in find_references(text):
        if not SUPPORTED_REFERENCE.fullmatch(name):
            raise ValueError(f"the reference {{{{{name}}}}} is not supported")
    return text


def resolve(text: str, values: Mapping[str, str]) -> str:
    """Replace references by values.

    Raises:
        UnresolvedReference: a reference has no value.
    """

    def value(match: re.Match[str]) -> str:
        name = match.group(1).strip()
        if name not in values:
            raise UnresolvedReference(f"{match.group()} has no value.")
        return values[name]

    return REFERENCE.sub(value, text)


class WordComparison(NamedTuple):
    """A comparison of a value with a word."""

    left: str
    is_equality: bool
    right: str


@dataclass(frozen=True)
class Condition:
    """Comparisons that must all be true."""

    comparisons: tuple[WordComparison, ...]

    @classmethod
    def parse(cls, text: str) -> "Condition":
        """Read `{{reference}} == word`, or `!=`; several are joined by `&&`."""
        found = []
        for term in text.split(" && "):
            if not (match := CONDITION.fullmatch(term)):
                raise ValueError(f"the condition {text!r} is not supported; use == or !=, joined by &&")
            found.append(WordComparison(check_references(match.group(1)), match.group(2) == "==", match.group(3)))
        return cls(tuple(found))

    def is_met(self, values: Mapping[str, str]) -> bool:
        """Return whether the condition is true for these values."""
        return all((resolve(one.left, values) == one.right) is one.is_equality for one in self.comparisons)


@dataclass(frozen=True)
class RetryUnless:
    """The exit codes after which a retry can't succeed."""

    exit_codes: frozenset[int]

    @classmethod
    def parse(cls, text: str) -> "RetryUnless":
        """Read `asInt(lastRetry.exitCode) not in [1, 2]`."""
        if not (match := RETRY.fullmatch(text)):
            raise ValueError(f"the expression {text!r} is not supported; use asInt(lastRetry.exitCode) not in [...]")
        return cls(frozenset(int(code) for code in match.group(1).split(",")))


def parse_dependencies(text: str) -> dict[str, frozenset[str]]:
    """Parse names joined by `&&` into the tasks to wait for, each with the results that it may have."""
    found: dict[str, frozenset[str]] = {}
    for term in filter(None, (term.strip() for term in text.split("&&"))):
        if not (match := DEPENDENCY.fullmatch(term)):
            raise ValueError(f"the dependency {term!r} is not supported; use names joined by &&")
        found[match.group(1)] = frozenset({match.group(2)}) if match.group(2) else DEFAULT_PHASES
    return found
