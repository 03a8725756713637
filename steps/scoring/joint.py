"""Joint features: several plain facts that mean little each and much together.

Their weights were set on repositories with known spam and on pull requests built to look like it; `benchmarks/prior.py`
shows how often they occur among ordinary ones.
"""

from collections.abc import Mapping
from math import expm1, log, log1p
from typing import Any

from steps.scoring import paths, wording
from steps.scoring.authors import UNKNOWN_AGE
from steps.scoring.reading import Reading

Features = Mapping[str, float]

_LONG_BODY = log1p(300)
_TINY_LINES = 3.5
_SHORT_TITLE = 6
NORMAL_HOUR = 2.5
"""Nats of surprise that any hour may have."""
KNOWN_AUTHOR = log1p(4)
"""Pull requests, as a logarithm, from which on an author is known."""
_WIDE = 2.7
"""Files, as a logarithm, from which on a change is a wide one."""
_FEWEST_LINES = 1.6
_LINE_WEIGHT = 1.2
_CERTAIN_SURPRISE = 3.0
_SEVERAL_COMMITS = log1p(2.5)
_TWICE = log(2)
_VAGUE_SLACK = log(4)
_SMALL_EDIT = log1p(40)
_ORDINARY_EDIT = 2.0
_TESTED = 1.0
_NAMING_WORDS = 4
_FEW_FILES = 2
_UNSQUASHED = log1p(7)
_FLOOD = log1p(20)
"""Commits, as logarithms: of a branch that nobody squashed, and of one that nobody worked on like that."""


def low_effort(reading: Reading, own: Features) -> float:
    """Return how much a stranger's pull request looks dashed off: 0 for anybody with merged ones, above 5 seldom."""
    if not own["stranger"]:
        return 0.0
    pull = reading.pull
    branch = pull["head_ref"] or ""
    default_branch = branch in wording.DEFAULT_BRANCHES and pull["cross_repository"] is not False
    evidence = (
        1.0
        + own["web_editor_title"]
        + 1.5 * bool(default_branch or wording.WEB_EDITOR_BRANCH.search(branch))
        + _youth(own["account_days"], (30, 1.5), (365, 0.8), (1_460, 0.2))
        + 0.7 * max(0.0, 1.0 - len(reading.said) / _SHORT_TITLE)
        + 0.8 * (not reading.said)
        + 0.7 * own["unusual_silence"]
        + 0.4 * (pull["changed_files"] <= 1 and pull["commits"] <= 1)
        + 0.8 * min(own["new_root_files"], 1.0)
        + 0.5 * min(own["author_unmerged"], 1.5)
        + 0.5 * min(own["new_extensions"], 1.0)
        - _ORDINARY_EDIT * _is_small_edit(reading, own)
        - _TESTED * _brings_tests(reading)
    )
    return float(own["stranger"] * max(evidence, 0.0))


def _brings_tests(reading: Reading) -> bool:
    """Return whether it changes code and its tests, which is work that nobody dashes off."""
    kinds = reading.files.kinds if reading.files else []
    return paths.TEST in kinds and paths.SOURCE in kinds


def _is_small_edit(reading: Reading, own: Features) -> bool:
    """Return whether it corrects a few lines of what is there, as people begin.

    That is one text, below the root or with a word on why, because who wants to be seen edits or adds what stands
    in the root; or a few files below the root, under a title that names the change.
    """
    files = reading.files
    if files is None or not files.files or own["log_lines"] > _SMALL_EDIT:
        return False
    if any(file["status"] != "M" for file in files.files):
        return False
    below_root = all("/" in file["path"] for file in files.files)
    if files.kinds == [paths.DOCS]:
        return below_root or not reading.empty
    is_named = len(reading.said) >= _NAMING_WORDS and not own["web_editor_title"]
    return below_root and is_named and len(files.files) <= _FEW_FILES


def promise_slack(promise: str, own: Features) -> float:
    """Return how far a small promise may be exceeded, as a logarithm: known authors' minor things are not so small."""
    vague = not wording.SPELLING.search(promise)
    return _VAGUE_SLACK if vague and own["author_merged"] >= KNOWN_AUTHOR else 0.0


def polished_text(reading: Reading, own: Features) -> float:
    """Return how far a long and tidy text of a stranger, without the template's lines, outweighs a tiny change."""
    if not own["stranger"]:
        return 0.0
    length = max(log1p(count_own_characters(own)) - _LONG_BODY, 0.0) * (0.4 + 0.3 * min(own["body_markup"], 3.0))
    youth = 1.0 + 0.5 * _youth(own["account_days"], (90, 1.2), (730, 0.5), (1_460, 0.0), older=-0.3)
    docs = 1.3 if reading.files and set(reading.files.kinds) == {"docs"} else 1.0
    return own["stranger"] * length * max(_TINY_LINES - own["log_lines"], 0.0) * youth * docs


def count_own_characters(values: Mapping[str, Any]) -> float:
    """Return about how many characters of a description are not its template's."""
    return float(expm1(values["body_length"]) * (1.0 - values["familiar_share"]))


def bot_impersonation(reading: Reading, own: Features) -> float:
    """Return how much somebody without merged work, and no bot by GitHub's word, acts as one."""
    if not own["stranger"]:
        return 0.0
    likeness = wording.bot_likeness(reading.pull["author"], reading.title)
    if likeness and reading.files:
        likeness += 0.5 * any(kind not in ("lock", "build") for kind in reading.files.kinds)
        likeness += 0.5 * bool(reading.files.sensitive)
    return likeness


def sensitive_files(reading: Reading, own: Features) -> float:
    """Return how many files a stranger touches that decide what runs on other machines, as a logarithm."""
    return own["stranger"] * log1p(len(reading.files.sensitive)) if reading.files else 0.0


def insider_sweep(reading: Reading, own: Features) -> float:
    """Return how unlike its author a known author's wide change is: hour, words, folders, silence; 0 for machines."""
    if own["automated"] or own["author_before"] < KNOWN_AUTHOR:
        return 0.0
    width = min(own["log_files"] / _WIDE, 1.0) ** 2
    late = max(own["hour_surprise"] - NORMAL_HOUR, 0.0)
    unlike = 0.3 + own["unusual_silence"] + 1.1 * own["new_words"] + 0.7 * own["scattered"] + 0.6 * own["new_ground"]
    return width * (1.0 + late) * unlike


def foreign_text(reading: Reading, own: Features) -> float:
    """Return how much title and body belong to another project, or to other files; a weighted sum, about 0 mostly.

    A machine writes of other projects by trade.
    """
    if own["automated"]:
        return OWN_TEXT
    return (
        1.5 * own["title_elsewhere"]
        + 0.3 * own["body_elsewhere"]
        + 1.0 * own["title_unseen"]
        + 3.0 * own["body_unseen"]
        + 1.7 * own["new_words"]
        - 0.3 * own["words_fit_files"]
        - 4.0 * own["names_its_files"]
        + own["loose_ties"]
    )


def docs_promise(reading: Reading) -> float:
    """Return how much a title that speaks of texts changes in other files, as a logarithm above seven lines."""
    found = wording.DOCS_PROMISE.search(reading.title)
    if not (reading.files and found) or wording.announces_more(reading.title, found):
        return 0.0
    lines = min(reading.files.lines_outside("docs"), reading.pull["additions"] + reading.pull["deletions"])
    return max(log1p(lines) - 2.0, 0.0)


def commits_for_lines(own: Features) -> float:
    """Return how many commits come to how few lines, less where its author is used to it; FEW_COMMITS below three.

    Lines weigh more than commits: dozens of commits for dozens of lines are a branch that was worked on for weeks.
    A machine is compared with itself: up to twice as many as its most are nothing new. Up to seven are anybody's branch
    before it is squashed; from twenty on they count in full.
    """
    used_to = own["most_commits"] + _TWICE if own["automated"] else 0.0
    if own["log_commits"] < max(_SEVERAL_COMMITS, used_to):
        return FEW_COMMITS
    ratio = own["log_commits"] - _LINE_WEIGHT * max(own["log_lines"], _FEWEST_LINES)
    if ratio <= 0:
        return ratio
    many = (own["log_commits"] - _UNSQUASHED) / (_FLOOD - _UNSQUASHED)
    return ratio * _unit(own["commits_surprise"] / _CERTAIN_SURPRISE) * _unit(many)


FEW_COMMITS = -9.0
OWN_TEXT = -20.0
"""As low as the sum for a text that could not fit better."""


def _youth(days: float, *steps: tuple[float, float], older: float = -0.4) -> float:
    """Return what an account's age weighs: of the first step that it is below; nothing where it isn't known."""
    if days == UNKNOWN_AGE:
        return 0.0
    return next((weight for limit, weight in steps if days < limit), older)


def _unit(value: float) -> float:
    return min(max(value, 0.0), 1.0)
