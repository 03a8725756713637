"""Words that readers stumble over, and what to write instead: in documents, messages, comments and docstrings."""

import io
import re
import tokenize
from collections.abc import Iterator
from typing import NamedTuple

from tests.house_rules.finding import Finding


class Word(NamedTuple):
    """A pattern that must not stand in a text, and the advice."""

    pattern: re.Pattern[str]
    advice: str


INSTEAD = {
    r"plant(ed|s)?\b": "write inject, injected",
    r"(taken|takes?|taking) back": "write reverted (pull requests), demoted (models)",
    r"made-up": "write synthetic",
    r"stand-ins?\b": "write fake (server)",
    r"oddit(y|ies)": "write anomaly, anomalies",
    r"forebears?": "write ancestors",
    r"(?<!there )(is|are|was|were) no (?!longer|more|less|fewer|later)": "write is not a …, does not …",
    r"(?-i:is none)\b": "write is not set, is not a valid …",
    r"told\b(?! apart)|tells\b(?! apart)": "write reports, returns, shows; or name what is configured",
    r"nobody has thought of": "write Unexpected …",
    r"mend(s|ed)?\b": "write fix",
    r"let it be": "write use exactly one …",
    r"anew\b": "write again",
    r"to others only": "write access denied",
    r"contradict each other": "write have merge conflicts",
    r"look: ": "write run `…`",
    r"as a rule\b": "write default: …",
    r"address of (a|the|its|that) pull request": "write URL",
    r"(is|are) odd\b": "name the fault",
    r"not as it should be|as it should\b": "name the fault",
}
WORDS = {pattern: Word(re.compile(rf"\b(?:{pattern})", re.IGNORECASE), advice) for pattern, advice in INSTEAD.items()}
TEXTS = (".md", ".j2", ".html", ".js", ".yaml", ".yml")
TOKENS = {tokenize.STRING, tokenize.COMMENT, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}


def find(path: str, text: str) -> Iterator[Finding]:
    """Find words to replace in one file: anywhere in a document, in strings and comments of Python code."""
    for first, piece in _pieces(path, text):
        for offset, line in enumerate(piece.splitlines()):
            for word in WORDS.values():
                if match := word.pattern.search(line):
                    yield Finding(path, first + offset, f"word {match[0].lower()}", word.advice)


def _pieces(path: str, text: str) -> Iterator[tuple[int, str]]:
    if path.endswith(TEXTS):
        yield 1, text
    elif path.endswith(".py"):
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type in TOKENS:
                yield token.start[0], token.string
