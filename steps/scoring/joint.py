"""Joint features: several plain facts that mean little each and much together.

Their weights were set on repositories with known spam and on pull requests built to look like it; `benchmarks/prior.py`
shows how often they occur among ordinary ones.
"""

from collections.abc import Mapping
from math import expm1, log1p

from steps.scoring import wording
from steps.scoring.authors import UNKNOWN_AGE
from steps.scoring.reading import Pull, Reading

Features = Mapping[str, float]

_LONG_BODY = log1p(300)
_TINY_LINES = 3.5
_SHORT_TITLE = 6
_NORMAL_HOUR = 2.5
"""Nats of surprise that any hour may have."""


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
        + 0.7 * reading.empty
        + 0.4 * (pull["changed_files"] <= 1 and pull["commits"] <= 1)
        + 0.8 * min(own["new_root_files"], 1.0)
        + 0.5 * min(own["author_unmerged"], 1.5)
        + 0.5 * min(own["new_extensions"], 1.0)
    )
    return float(own["stranger"] * max(evidence, 0.0))


def polished_text(reading: Reading, own: Features) -> float:
    """Return how far a stranger's long and tidy description outweighs a tiny change."""
    if not own["stranger"]:
        return 0.0
    length = max(own["body_length"] - _LONG_BODY, 0.0) * (0.4 + 0.3 * min(own["body_markup"], 3.0))
    youth = 1.0 + 0.5 * _youth(own["account_days"], (90, 1.2), (730, 0.5), (1_460, 0.0), older=-0.3)
    docs = 1.3 if reading.files and set(reading.files.kinds) == {"docs"} else 1.0
    return own["stranger"] * length * max(_TINY_LINES - own["log_lines"], 0.0) * youth * docs


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
    """Return how far a known author's wide change comes at an unlikely hour, with few words; 0 for bots."""
    if reading.bot:
        return 0.0
    late = max(own["hour_surprise"] - _NORMAL_HOUR, 0.0)
    return own["author_before"] * late * own["log_files"] * (0.3 + reading.empty)


def foreign_text(own: Features) -> float:
    """Return how much title and body belong to another project, or to other files; a weighted sum, about 0 mostly."""
    return (
        1.5 * own["title_elsewhere"]
        + 0.4 * own["body_elsewhere"]
        + 1.6 * own["title_unseen"]
        + 4.0 * own["body_unseen"]
        + 2.7 * own["new_words"]
        - 0.5 * own["words_fit_files"]
        - 7.0 * own["names_its_files"]
        - 0.3 * own["title_words"]
    )


def docs_promise(reading: Reading, pull: Pull) -> float:
    """Return how much a title that speaks of texts changes in other files, as a logarithm above seven lines."""
    if not (reading.files and wording.DOCS_PROMISE.search(reading.title)):
        return 0.0
    lines = min(reading.files.lines_outside("docs"), pull["additions"] + pull["deletions"])
    return max(log1p(lines) - 2.0, 0.0)


def commits_for_lines(own: Features) -> float:
    """Return how many commits come to how few lines; NONE below three commits."""
    return own["log_commits"] - 0.7 * own["log_lines"] if expm1(own["log_commits"]) > 2.5 else FEW_COMMITS  # noqa: PLR2004


FEW_COMMITS = -9.0


def _youth(days: float, *steps: tuple[float, float], older: float = -0.4) -> float:
    """Return what an account's age weighs: of the first step that it is below; nothing where it isn't known."""
    if days == UNKNOWN_AGE:
        return 0.0
    return next((weight for limit, weight in steps if days < limit), older)
