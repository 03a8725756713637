"""The text of notifications, in Markdown, without any text of the pull request."""

import re
import shlex
from typing import NamedTuple

from steps.serve.contract import ModelName, ScoreResult
from steps.serve.policy import PATH

ALL = 100.0
UNUSUAL, BACK_TO_STANDARD = "Unusual pull request", "No longer an unusual pull request"
MUTED = "Muted"
PAST = {
    "repository": "this repository's past pull requests",
    "all": "the past pull requests of all repositories that the model knows (this one has too few)",
    "none": "the past pull requests that the model knows (this repository's history could not be read)",
}
MEANING = (
    "This is a hint, not a verdict: the pull request differs from the others here, which doesn't mean that anything is "
    "wrong with it or its author. It may deserve a second look; nothing is blocked."
)
NO_REASONS = "No single feature stands out; it is the combination of all."
STOP = (
    f"Mute, limit or turn off these notifications in `{PATH}` on the default branch, or remove the app or the webhook "
    "in the repository's settings."
)
TRACE_DOCS = "https://github.com/pr-sentinel/pr-sentinel/blob/main/docs/service.md#what-does-a-result-come-from"
MUTES = {
    "authors": "its author is muted",
    "paths": "all files that it changes are muted",
    "labels": "one of its labels is muted",
    "reasons": "what is unusual about it is muted",
}
_SPECIAL = re.compile(r"([\\`*_\[\]<>|~!&])")
_CALLS = re.compile(r"(?<=[@#])(?=\w)|(?<=:)(?=//)|(?<=www)(?=\.)")
"""Positions where GitHub would turn text into a mention, a reference or a link."""
_NOTHING = "\u200b"


class Message(NamedTuple):
    """A title, and the Markdown below it."""

    title: str
    body: str


def format_unusual(result: ScoreResult, model: ModelName, problem: str = "") -> Message:
    """Format the notification of an unusual pull request; `problem` is what is wrong with the repository's file."""
    lines = [
        f"**{result.level.capitalize()}**: score {result.score:.2f}, threshold {result.threshold:.2f}; "
        f"higher than {_format_share(result.percentile)} of {PAST[result.history]}.",
        *_list_reasons(result),
        MEANING,
        *([f"`{PATH}` is not used: {escape_markdown(problem)}."] if problem else []),
        f"<sub>{_format_origin(result, model)} {STOP}</sub>",
    ]
    return Message(UNUSUAL, "\n\n".join(lines))


def format_back_to_standard(result: ScoreResult, model: ModelName) -> Message:
    """Format the text that replaces it once the pull request is no longer unusual."""
    lines = [
        f"After its latest changes the pull request is no longer unusual: score {result.score:.2f}, "
        f"threshold {result.threshold:.2f}. The earlier notification no longer applies.",
        f"<sub>{_format_origin(result, model)}</sub>",
    ]
    return Message(BACK_TO_STANDARD, "\n\n".join(lines))


def format_muted(field: str, result: ScoreResult, model: ModelName) -> Message:
    """Format the text that replaces it once the repository mutes the pull request, by a field of `mute`."""
    lines = [
        f"By `{PATH}`, {MUTES[field]}. The earlier notification no longer applies.",
        f"<sub>{_format_origin(result, model)}</sub>",
    ]
    return Message(MUTED, "\n\n".join(lines))


def escape_markdown(text: str) -> str:
    """Escape a text so that Markdown shows it verbatim, on one line, without links, mentions or references."""
    return _CALLS.sub(_NOTHING, _SPECIAL.sub(r"\\\1", " ".join(text.split())))


def _list_reasons(result: ScoreResult) -> list[str]:
    """Return the reasons as paragraphs; where a threshold is low, none may be large enough for a sentence."""
    if not result.reasons:
        return [NO_REASONS]
    return ["It", "\n".join(f"- {escape_markdown(reason)}" for reason in result.reasons)]


def _format_share(percentile: float) -> str:
    """Format a percentile: `99.8 %`; `all` only if it is 100."""
    return "all" if percentile >= ALL else f"{min(percentile, 99.9):.1f} %"


def _format_origin(result: ScoreResult, model: ModelName) -> str:
    """Format what made a result, and the command that shows where it comes from; names of repositories are plain."""
    command = f"./pr-sentinel trace {shlex.quote(f'{result.repository}#{result.number}')}"
    return (
        f"PR Sentinel, model {escape_markdown(model.name)} {escape_markdown(model.version)}. Whoever runs it sees "
        f"[what this result comes from]({TRACE_DOCS}) with `{command}`."
    )
