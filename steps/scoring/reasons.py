"""What a score says in words: the strongest signals, each by its largest plain fact and what is usual here.

Every sentence can be checked on GitHub's page of the pull request, or by counting the latest pull requests.
"""

from collections.abc import Callable, Mapping
from math import expm1
from typing import Any, NamedTuple

import numpy as np

from steps.common.changed_files import MAX_FILES
from steps.scoring.arrays import Floats
from steps.scoring.joint import NORMAL_HOUR, count_own_characters
from steps.scoring.model import Model
from steps.scoring.rarity import WINDOW_ROWS

MAX_REASONS = 3
MIN_STRENGTH = 1.0
"""Below this, in powers of ten, a signal is not a reason."""
MIN_WINDOW = 100
"""With fewer pull requests remembered, nothing is said of how rare something is."""
MIN_ONE_IN = 20
"""What is commoner than that is not called rare."""
YOUNG_ACCOUNT_DAYS = 365
MIN_UNNAMED_FILES = 3
MIN_FLOOD = 5
ODD_HOUR = 0.7
"""Nats beyond what is normal from which on an hour is called unlikely."""
MIN_SCATTER = 0.7
MIN_NEW_WORDS = 0.6
MIN_SILENCE = 0.5
"""Share of the author's pull requests with a description from which on one without is worth a word."""
FACT_SEPARATOR = "; "
"""Between the facts of a sentence."""
_DAY, _MONTH = 1.5, 60

Row = Mapping[str, Any]


class Reason(NamedTuple):
    """A sentence, and the name of the signal that it speaks of."""

    kind: str
    text: str


def format_count(count: float, noun: str) -> str:
    """Return a count and its noun: `1 line`, `4,120 lines`."""
    number = round(count)
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def reasons(model: Model, row: Row, strengths: Floats) -> list[str]:
    """Return the sentences of `explain`."""
    return [reason.text for reason in explain(model, row, strengths)]


def explain(model: Model, row: Row, strengths: Floats) -> list[Reason]:
    """Return up to three reasons, the weightiest first.

    Args:
        model: whose signals are spoken of.
        row: of the dataset, with the plain counts and the context.
        strengths: of each signal [signals].
    """
    found: list[Reason] = []
    for place in np.argsort(-strengths, kind="stable").tolist():
        kind = model.signals[place].name
        sentence = _SENTENCES.get(kind)
        if strengths[place] < MIN_STRENGTH or sentence is None:
            continue
        if text := sentence(row):
            _add(found, Reason(kind, text))
    if found or strengths.max() < MIN_STRENGTH:
        return found[:MAX_REASONS]
    return [Reason(model.signals[int(strengths.argmax())].name, _size(row))]


def _add(found: list[Reason], reason: Reason) -> None:
    """Add what a reason states and no earlier one does: as a reason, or to the one that states its first fact."""
    facts = reason.text.split(FACT_SEPARATOR)
    stated = {fact: place for place, earlier in enumerate(found) for fact in earlier.text.split(FACT_SEPARATOR)}
    new = FACT_SEPARATOR.join(fact for fact in facts if fact not in stated)
    place = stated.get(facts[0])
    if place is None:
        found.append(reason._replace(text=new))
    elif new:
        found[place] = found[place]._replace(text=f"{found[place].text}{FACT_SEPARATOR}{new}")


def describe_rank(row: Row, feature: str, words: str = "go that far") -> str:
    """Return how many of the latest pull requests here have such a value; empty where that isn't rare, or unknown."""
    rows, above = round(row[WINDOW_ROWS]), round(row[f"{feature}_above"])
    if rows < MIN_WINDOW:
        return ""
    if above == 0:
        return f"{FACT_SEPARATOR}none of the latest {rows:,} here {words}"
    one_in = round((rows + 1) / (above + 1))
    return f"{FACT_SEPARATOR}about one in {one_in:,} of the latest here {words}" if one_in >= MIN_ONE_IN else ""


def _size(row: Row) -> str:
    files = f" in {format_count(row['changed_files'], 'file')}"
    if row["additions"] >= row["deletions"]:
        return f"adds {format_count(row['additions'], 'line')}{files}"
    return f"changes {format_count(row['additions'] + row['deletions'], 'line')}{files}"


def _dump(row: Row) -> str:
    usual, unnamed = _usual_size(row), _new_folders(row)
    return f"{_size(row)}{unnamed}{usual}" if usual or unnamed or row[WINDOW_ROWS] < MIN_WINDOW else ""


def _new_folders(row: Row) -> str:
    count = round(expm1(row["unnamed_files"]))
    if count < MIN_UNNAMED_FILES:
        return ""
    least = "at least " if row["changed_files"] > MAX_FILES else ""
    return f", {least}{count:,} of them in new folders that neither title nor description names"


def _usual_size(row: Row) -> str:
    return _exceeds(row["additions"] + row["deletions"], row["usual_lines"], "line") or _usual_files(row)


def _usual_files(row: Row) -> str:
    return _exceeds(row["changed_files"], row["usual_files"], "file")


def _exceeds(count: float, usual: float, noun: str) -> str:
    if not usual or count <= usual:
        return ""
    return f"{FACT_SEPARATOR}99 % of the latest pull requests here change at most {format_count(usual, noun)}"


def _deletion(row: Row) -> str:
    if row["deletions"] <= row["additions"]:
        return ""
    fact = f"deletes {format_count(row['deletions'], 'line')} and adds {row['additions']:,}"
    if row["silent_deletions"]:
        fact += ", under a title that speaks of no removal"
    return fact + describe_rank(row, "net_deletions", "delete that much more than they add")


def _small_promise(row: Row) -> str:
    word = row["named_word"] or "small fix"
    lines = format_count(row["additions"] + row["deletions"], "line")
    fact = f"promises little in its title ('{word}') and changes {lines}"
    if row["promise_lines"]:
        usual = format_count(row["promise_lines"], "line")
        return _state(fact, f"nine in ten such pull requests here change at most {usual}")
    return fact


def _docs_promise(row: Row) -> str:
    word = row["named_word"] or "docs"
    lines = format_count(min(row["docs_lines"], row["additions"] + row["deletions"]), "line")
    return f"has a title with '{word}' and changes {lines} outside the documentation" + describe_rank(
        row, "docs_promise"
    )


def _low_effort(row: Row) -> str:
    facts = [_edits(row), _who(row), _account(row)]
    if row["web_editor_title"]:
        facts.append("its title has the web editor's form")
    if row["empty_body"]:
        facts.append("it has no description")
    size = f"it changes {format_count(row['additions'] + row['deletions'], 'line')}"
    return _state(*facts, size) if any(facts) else ""


def _polished_text(row: Row) -> str:
    text, lines = count_own_characters(row), row["additions"] + row["deletions"]
    own = " of its own, beside the template's" if row["familiar_share"] else ""
    fact = f"describes a change of {format_count(lines, 'line')} in {format_count(text, 'character')}{own}"
    return _state(fact, _who(row), _account(row))


def _bot_impersonation(row: Row) -> str:
    what = "has the title of a dependency bot" if row["version_bump"] else "has an author named like a bot"
    return _state(f"{what}, but comes from a user account", _who(row), _account(row))


def _sensitive_files(row: Row) -> str:
    edits = _edits(row)
    return _state(edits, _who(row), _account(row)) if edits else ""


def _edits(row: Row) -> str:
    if not row["named_path"]:
        return ""
    more = round(row["sensitive_count"]) - 1
    others = f" and {format_count(more, 'other CI or release file')}" if more > 0 else ""
    return f"edits {row['named_path']}{others}"


def _insider_sweep(row: Row) -> str:
    silence = " without a description" if row["unusual_silence"] > MIN_SILENCE else ""
    facts = [f"changes {format_count(row['changed_files'], 'file')}{silence}"]
    if row["hour_surprise"] > NORMAL_HOUR + ODD_HOUR:
        facts.append(f"opened at {row['created_at'].hour}:00 UTC, an unlikely hour for its author")
    if row["scattered"] > MIN_SCATTER:
        facts.append("in folders that seldom change together here")
    if row["new_words"] > MIN_NEW_WORDS:
        facts.append("with words in its title that its author had not used here")
    usual = _usual_files(row)
    return ", ".join(facts) + usual if silence or usual or len(facts) > 1 else ""


def _commit_flood(row: Row) -> str:
    if row["commits"] < MIN_FLOOD:
        return ""
    lines = format_count(row["additions"] + row["deletions"], "changed line")
    fact = f"has {format_count(row['commits'], 'commit')} for {lines}"
    rank = describe_rank(row, "commits_for_lines", "have so many for so little")
    return fact + rank if rank or row[WINDOW_ROWS] < MIN_WINDOW else ""


def _foreign_text(row: Row) -> str:
    if row["reference_beyond"]:
        number, newest = round(row["reference_beyond"]), round(row["newest_number"])
        return f"refers to #{number}, though the newest pull request here is #{newest}"
    rank = describe_rank(row, "foreign_text", "do so to that degree")
    if not rank:
        return ""
    new = row["title_unseen"] > 0 or row["body_unseen"] > 0
    what = "uses words in title and description that are new here" if new else "has a text unlike others here"
    return f"{what}{'' if row['names_its_files'] else ' and names none of its files'}{rank}"


def _burst(row: Row) -> str:
    same = expm1(row["near_duplicates"])
    if same >= 1:
        return f"has nearly the same title as {format_count(same, 'pull request')} of the last day by other authors"
    others = round(expm1(row["newcomers_hour"])) - 1
    return f"comes within an hour of {format_count(others, 'other first-time author')}" if others > 0 else ""


def _deleted_tests(row: Row) -> str:
    lines = format_count(expm1(row["deleted_tests"]), "line")
    return f"deletes {lines} more of tests than it adds, which its title does not announce" + describe_rank(
        row, "deleted_tests"
    )


def _binary_files(row: Row) -> str:
    count = round(expm1(row["new_binaries"]))
    if not count or not row["named_binary"]:
        return ""
    more = f" and {format_count(count - 1, 'other binary file')}" if count > 1 else ""
    return f"adds the binary file {row['named_binary']}{more}" + describe_rank(row, "new_binaries", "add as many")


def _state(*facts: str) -> str:
    return FACT_SEPARATOR.join(fact for fact in facts if fact)


def _who(row: Row) -> str:
    """Return what the author's earlier pull requests here were."""
    if not row["author_before"]:
        return "comes from a first-time author"
    if row["stranger"] == 1:
        earlier = round(expm1(row["author_before"]))
        if earlier == 1:
            return "its author's one earlier pull request here is not merged"
        return f"none of its author's {earlier:,} earlier pull requests here is merged"
    return ""


def _account(row: Row) -> str:
    """Return how old the account is, where it is young."""
    days = row["account_days"]
    if not 0 <= days < YOUNG_ACCOUNT_DAYS:
        return ""
    if days < _DAY:
        return "account about one day old"
    if days < _MONTH:
        return f"account about {format_count(days, 'day')} old"
    return f"account about {format_count(days / 30.4, 'month')} old"


_SENTENCES: dict[str, Callable[[Row], str]] = {
    "dump": _dump,
    "deletion": _deletion,
    "small_promise": _small_promise,
    "docs_promise": _docs_promise,
    "low_effort": _low_effort,
    "insider_sweep": _insider_sweep,
    "commit_flood": _commit_flood,
    "foreign_text": _foreign_text,
    "burst": _burst,
    "polished_text": _polished_text,
    "bot_impersonation": _bot_impersonation,
    "sensitive_files": _sensitive_files,
    "deleted_tests": _deleted_tests,
    "binary_files": _binary_files,
}
