"""What a title, a description or a login looks like: patterns, and nothing that is learned."""

import re
import unicodedata
from collections.abc import Callable, Iterator


def _format_ranges(is_member: Callable[[str], bool]) -> str:
    """Return the characters of the common planes that are members, as the ranges of a character class."""
    members = {code for code in range(0x300, 0x1F000) if is_member(chr(code))}
    starts = sorted(code for code in members if code - 1 not in members)
    ends = sorted(code for code in members if code + 1 not in members)
    return "".join(f"{chr(start)}-{chr(end)}" for start, end in zip(starts, ends, strict=True))


WEB_EDITOR_TITLE = re.compile(r"^(Update|Create|Delete|Rename)( \S+){1,4}$|^Add files via upload$|^[Pp]atch[- ]\d+$")
"""Titles of the form that GitHub's web editor suggests; people write such ones, too."""
SMALL_PROMISE = re.compile(
    r"(?i)(?<![\w`/.:-])(typos?|spelling|misspell\w*|nits?|grammar (fix(es)?|errors?|mistakes?)|fix(e[sd])? grammar"
    r"|grammatical|(minor|small|tiny|trivial) (\w+ ){0,2}?(fix(es)?|changes?|typos?|clean-?ups?|tweaks?|edits?"
    r"|updates?|corrections?|improvements?)|(whitespace|wording|indentation) (fix(es)?|clean-?ups?))"
    r"(?![\w`/(-]|\.\w|::)"
)
"""Words that announce a small change; names in code don't count."""
SPELLING = re.compile(r"(?i)typo|spelling|misspell|\bnits?\b|gramma|whitespace|wording|indentation")
"""Those among them that can be held to it, because they name what is small."""
_AND_MORE = re.compile(
    r"(?i)(\band|&|\+|,)\s+(\w+\s+){0,2}?(add|allow|convert|enabl|extend|extract|implement|improv|introduc|mak|migrat|mov"
    r"|refactor|remov|renam|replac|restructur|rewrit|simplif|split|support|up(dat|grad)|us)(e|es|ed|ing|s|y|ies|ied)?\b"
)
"""What follows a small promise that is only the lesser half of a title: another work."""
_BESIDES = re.compile(r"(?i)\S\s+\S+\s*(\band|&|\+|,|\bwith)(\s+(also|few|a|more|other|several|some|various))*\s*$")
"""What stands before one."""
DOCS_PROMISE = re.compile(
    r"(?i)(?<![\w`/.:-])(docs?|documentation|readme|changelog|typos?|spelling|wording)"
    r"(?![\w`/(-]|\.\w|::)"
)
"""Words that announce a change of texts alone; comments are not such a word, for they stand in any file."""
VERSION_BUMP = re.compile(
    r"(?i)^(\W*(chore|build|deps|fix|update|security)\W*(\([^)]*\))?\W*:?\s*)?"
    r"(bump|upgrade|update( dependency)?|pin|lock file maintenance)\b.*(\bfrom \S+ to\b|\bto v?\d|\d+\.\d+|lock file)"
)
"""Titles of dependency bots."""
DEPENDENCY_BOT = re.compile(
    r"(?i)dependab[o0]t|renovate|snyk|greenkeeper|pyup|mergify|github-?actions|pre-?commit-?ci|imgbot|whitesource"
    r"|bolt-for-github|codecov|semantic-release"
)
"""Logins that sound like a well-known bot's."""
BOT_LOGIN = re.compile(r"(?i)\[?bot\]?$|[-_]bot\d*$|^bot[-_]")
"""Logins that claim to be some bot."""
WEB_EDITOR_BRANCH = re.compile(r"(^|[-/])patch-\d+$")
"""Branches that GitHub's web editor makes."""
REFERENCE = re.compile(r"(?<![\w/#&])(?:#|GH-)(\d{1,7})\b")
"""An issue or a pull request by its number."""
PROJECT_LINK = re.compile(r"(?i)github\.com/([\w.-]+/[\w.-]+)")
"""A link to some repository."""
TRACKER_KEY = re.compile(r"^\W*([A-Z][A-Z0-9]{1,9})-\d+\b")
"""A title that begins with an issue of a tracker: `KEY-123`."""
REMOVAL = re.compile(
    r"(?i)\b(remov\w*|delete\w*|deletion\w*|deleting|drop(s|ped|ping)?|prun\w+|clean\w*|strip\w*|revert\w*|dead"
    r"|unused|deprecat\w*|obsolete|get(ting)? rid|kill\w*|purg\w+|retir\w+|discontinu\w*|eliminat\w*|mov(e|es|ed|ing)"
    r"|replac\w*|merg\w+|migrat\w*|extract\w*|split\w*|renam\w+|consolidat\w*|unif\w+|dedup\w*|convert\w*|switch\w*"
    r"|no longer|no more|simplif\w+|sync\w*|refresh\w*|regenerat\w+|disable\w*|stop|reduc\w*|exclud\w*|trim\w*"
    r"|undo\w*|shrink\w*|slim\w*|reorg\w*|restructur\w*|rework\w*|rewrit\w*|keep only|only keep|don'?t include)\b"
)
"""Words that announce that something goes, or goes elsewhere."""
DEFAULT_BRANCHES = frozenset(("main", "master", "develop", "dev", "trunk", "gh-pages"))
MARKUP = re.compile(
    r"^#{1,4} |\*\*[^*]+\*\*|^\s*[-*] |^\s*\d+\. |[\u2600-\u27bf\U0001f300-\U0001faff]|^---+$|^\|", re.MULTILINE
)
"""Headings, bold words, list items, rules, tables and emoji."""

_MARKS = _format_ranges(lambda one: unicodedata.category(one).startswith("M"))
"""Vowel signs and accents, which stand inside words but are not letters."""
_SPACELESS = "".join(
    f"{chr(first)}-{chr(last)}"
    for first, last in (
        *((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF)),  # Thai and Lao, Burmese, Khmer
        *((0x3040, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9F)),  # Japanese syllables
        *((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x323AF)),  # Chinese characters
    )
)
"""Scripts that put no spaces between words."""
WORD = re.compile(
    rf"(?:(?![{_MARKS}])[{_SPACELESS}][{_MARKS}]*){{1,2}}|[^\W{_SPACELESS}]+(?:[{_MARKS}\u200c\u200d]+[^\W{_SPACELESS}]*)*"
)
"""A word with its marks; where a script has no spaces, two characters, which is what its words have on average."""
_ASCII_WORD = re.compile(r"\w+")
TITLE_WORDS = 24
BODY_CHARACTERS = 4_000
"""As much of a title and of a description is read."""

_OPENING = re.compile(r"\W*\w+\W?")
_WITH_DIGIT = re.compile(r"\w*\d\w*")
_CAPITALISED = re.compile(r"[A-Z]\w*")
_LOWER_CASE = re.compile(r"[a-z_]\w*")
_SEVERAL = re.compile(r"(a[ ]?)+")
_FORM_CHARACTERS = 12


def iter_words(text: str) -> Iterator[str]:
    """Yield the words of a text in order; in plain ASCII, a simpler pattern finds the same ones faster."""
    return (match[0] for match in (_ASCII_WORD if text.isascii() else WORD).finditer(text))


def fold(text: str) -> str:
    """Return the text without combining marks and compatibility forms, so that look-alikes are alike."""
    if text.isascii():
        return text
    return "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))


def find_small_promise(title: str) -> str | None:
    """Return the words by which the whole title announces a small change; None where it announces more than that."""
    found = SMALL_PROMISE.search(title)
    return None if found is None or announces_more(title, found) else found[0]


def announces_more(title: str, promise: re.Match[str]) -> bool:
    """Return whether a promise is only the lesser half of a title, which announces another work before or after it."""
    return bool(_BESIDES.search(title[: promise.start()]) or _AND_MORE.search(title, promise.end()))


def title_form(title: str) -> str:
    """Return a title's opening word and mark, and its other words by kind only."""
    opening = _OPENING.match(title)
    rest = title[opening.end() :] if opening else title
    kinds = _LOWER_CASE.sub("a", _CAPITALISED.sub("A", _WITH_DIGIT.sub("9", rest)))
    return (opening.group().lower() if opening else "") + _SEVERAL.sub("a", kinds)[:_FORM_CHARACTERS]


def bot_likeness(login: str, title: str) -> float:
    """Return how much login and title are those of a dependency bot, from 0 to 3."""
    named = 2.0 if DEPENDENCY_BOT.search(login) else 1.0 if BOT_LOGIN.search(login) else 0.0
    return named + (1.0 if VERSION_BUMP.search(title) else 0.0)
