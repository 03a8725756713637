"""The words of an announcement, in Markdown, without a word that somebody else has written."""

import re
from typing import NamedTuple

from steps.serve.contract import ModelName, ScoreResult

ALL = 100.0
UNUSUAL, BACK_TO_STANDARD = "Unusual pull request", "No longer an unusual pull request"
LEVEL_NAMES = {"standard": "ordinary", "unusual": "unusual", "high": "highly unusual"}
PAST = {
    "repository": "this repository's past pull requests",
    "all": "the past pull requests of all repositories that the model knows (too few are known of this one)",
    "none": "the past pull requests that the model knows (this repository's history could not be read)",
}
MEANING = (
    "This is no verdict: it says that the pull request doesn't look like the others here, not that anything is wrong "
    "with it or its author. A second look may be worth the time; nothing is blocked."
)
STOP = (
    "To stop these, remove the app or the webhook in the repository's settings, "
    "or have whoever runs the service set `WEBHOOK_MODE=record`."
)
_SPECIAL = re.compile(r"([\\`*_\[\]<>|~!&])")
_CALLS = re.compile(r"(?<=[@#])(?=\w)|(?<=:)(?=//)|(?<=www)(?=\.)")
"""Where GitHub would make a mention, a reference or a link of a text."""
_NOTHING = "\u200b"


class Message(NamedTuple):
    """A title, and Markdown to stand below it."""

    title: str
    body: str


def format_unusual(result: ScoreResult, model: ModelName) -> Message:
    """What is said of an unusual pull request."""
    lines = [
        f"**{LEVEL_NAMES[result.level].capitalize()}**: score {result.score:.2f}, threshold {result.threshold:.2f}; "
        f"higher than {_format_share(result.percentile)} of {PAST[result.history]}.",
        "It",
        "\n".join(f"- {escape_markdown(reason)}" for reason in result.reasons),
        MEANING,
        f"<sub>{_format_model(model)} {STOP}</sub>",
    ]
    return Message(UNUSUAL, "\n\n".join(lines))


def format_back_to_standard(result: ScoreResult, model: ModelName) -> Message:
    """What stands in its place once the pull request is like the others."""
    lines = [
        f"After its latest changes the pull request looks like the others here: score {result.score:.2f}, "
        f"threshold {result.threshold:.2f}. What stood here before does not hold any more.",
        f"<sub>{_format_model(model)}</sub>",
    ]
    return Message(BACK_TO_STANDARD, "\n\n".join(lines))


def escape_markdown(text: str) -> str:
    """A text that Markdown shows as it is: on one line, without marks, links, mentions or references."""
    return _CALLS.sub(_NOTHING, _SPECIAL.sub(r"\\\1", " ".join(text.split())))


def _format_share(percentile: float) -> str:
    """`99.8 %`; only what is higher than all is said to be so."""
    return "all" if percentile >= ALL else f"{min(percentile, 99.9):.1f} %"


def _format_model(model: ModelName) -> str:
    return f"PR Sentinel, model {escape_markdown(model.name)} {escape_markdown(model.version)}."
