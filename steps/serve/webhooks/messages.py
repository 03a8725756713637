"""The words of an announcement, in Markdown, without a word that somebody else has written."""

import re
from typing import NamedTuple

from steps.serve.contract import ModelName, ScoreResult

ALL = 100.0
UNUSUAL, AGAIN = "Unusual pull request", "No longer an unusual pull request"
STANDING = {"standard": "ordinary", "unusual": "unusual", "high": "highly unusual"}
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


class Words(NamedTuple):
    """A title, and Markdown to stand below it."""

    title: str
    text: str


def unusual(result: ScoreResult, model: ModelName) -> Words:
    """What is said of an unusual pull request."""
    lines = [
        f"**{STANDING[result.level].capitalize()}**: score {result.score:.2f}, threshold {result.threshold:.2f}; "
        f"higher than {_share(result.percentile)} of {PAST[result.history]}.",
        "It",
        "\n".join(f"- {plain(reason)}" for reason in result.reasons),
        MEANING,
        f"<sub>{_by(model)} {STOP}</sub>",
    ]
    return Words(UNUSUAL, "\n\n".join(lines))


def standard_again(result: ScoreResult, model: ModelName) -> Words:
    """What stands in its place once the pull request is like the others."""
    lines = [
        f"After its latest changes the pull request looks like the others here: score {result.score:.2f}, "
        f"threshold {result.threshold:.2f}. What stood here before does not hold any more.",
        f"<sub>{_by(model)}</sub>",
    ]
    return Words(AGAIN, "\n\n".join(lines))


def plain(text: str) -> str:
    """A text that Markdown shows as it is: on one line, without marks, links, mentions or references."""
    return _CALLS.sub(_NOTHING, _SPECIAL.sub(r"\\\1", " ".join(text.split())))


def _share(percentile: float) -> str:
    """`99.8 %`; only what is higher than all is said to be so."""
    return "all" if percentile >= ALL else f"{min(percentile, 99.9):.1f} %"


def _by(model: ModelName) -> str:
    return f"PR Sentinel, model {plain(model.name)} {plain(model.version)}."
