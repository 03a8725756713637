"""The few expressions that our templates use, parsed in full; any other is refused."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

REFERENCE = re.compile(r"\{\{(.*?)\}\}")
KNOWN_REFERENCE = re.compile(
    r"item|workflow\.(?:name|status|failures)|workflow\.parameters\.[\w-]+|tasks\.[\w-]+\.outputs\.parameters\.[\w-]+"
)
CONDITION = re.compile(r"(\{\{[^{}]+\}\}) (==|!=) (\w+)")
DEPENDENCY = re.compile(r"([\w-]+)(?:\.(Succeeded|Failed|Errored|Skipped|Omitted))?")
RETRY = re.compile(r"asInt\(lastRetry\.exitCode\) not in \[(\d+(?:, \d+)*)\]")
GOOD_ENOUGH = frozenset({"Succeeded", "Skipped"})
"""What a dependency that names no result waits for."""


class Unresolved(Exception):
    """A reference to something that has no value."""


def references(text: str) -> list[str]:
    """What stands between double braces."""
    return [name.strip() for name in REFERENCE.findall(text)]


def known(text: str) -> str:
    """Accept a text whose references are all of a known form."""
    for name in references(text):
        if not KNOWN_REFERENCE.fullmatch(name):
            raise ValueError(f"the reference {{{{{name}}}}} is not covered")
    return text


def resolve(text: str, values: Mapping[str, str]) -> str:
    """Put values in the place of references.

    Raises:
        Unresolved: one has no value.
    """

    def value(match: re.Match[str]) -> str:
        name = match.group(1).strip()
        if name not in values:
            raise Unresolved(f"{match.group()} has no value.")
        return values[name]

    return REFERENCE.sub(value, text)


@dataclass(frozen=True)
class Condition:
    """Whether a value is, or is not, a certain word."""

    left: str
    wants_equal: bool
    right: str

    @classmethod
    def parse(cls, text: str) -> "Condition":
        """Read `{{reference}} == word`, or `!=`."""
        if not (match := CONDITION.fullmatch(text)):
            raise ValueError(f"the condition {text!r} is not covered, only one == or != is")
        return cls(known(match.group(1)), match.group(2) == "==", match.group(3))

    def holds(self, values: Mapping[str, str]) -> bool:
        """Whether it is true of these values."""
        return (resolve(self.left, values) == self.right) is self.wants_equal


@dataclass(frozen=True)
class RetryUnless:
    """The exit codes after which another try can't succeed."""

    exit_codes: frozenset[int]

    @classmethod
    def parse(cls, text: str) -> "RetryUnless":
        """Read `asInt(lastRetry.exitCode) not in [1, 2]`."""
        if not (match := RETRY.fullmatch(text)):
            raise ValueError(f"the expression {text!r} is not covered, only asInt(lastRetry.exitCode) not in [...] is")
        return cls(frozenset(int(code) for code in match.group(1).split(",")))


def dependencies(text: str) -> dict[str, frozenset[str]]:
    """The tasks that are waited for and the phases of each that will do, from names joined by `&&`."""
    found: dict[str, frozenset[str]] = {}
    for term in filter(None, (term.strip() for term in text.split("&&"))):
        if not (match := DEPENDENCY.fullmatch(term)):
            raise ValueError(f"the dependency {term!r} is not covered, only names joined by && are")
        found[match.group(1)] = frozenset({match.group(2)}) if match.group(2) else GOOD_ENOUGH
    return found
