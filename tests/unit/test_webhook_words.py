"""The words of an announcement: what was found, what it means, how to stop it, and nothing that others wrote."""

from typing import Any

import pytest

from steps.serve.contract import ModelName, ScoreResult
from steps.serve.webhooks import messages

MODEL = ModelName(name="pr-sentinel", version="3", digest="0" * 64)
REASONS = [
    "changes 412 files; 99 % of this repository's change fewer than 69",
    "comes from a first-time author and says next to nothing",
    "was opened at 3:00 UTC, an unlikely hour for its author",
]


def result(**changes: Any) -> ScoreResult:
    """A result, with whatever is to be different."""
    usual = {
        "id": "owner/name#1",
        "repository": "owner/name",
        "number": 1,
        "score": 7.344,
        "percentile": 99.83,
        "threshold": 5.1,
        "unusual": True,
        "level": "unusual",
        "reasons": REASONS,
        "history": "repository",
    }
    return ScoreResult.model_validate(usual | changes)


def test_a_notification_reads_well() -> None:
    """Whole, as a maintainer sees it."""
    assert messages.format_unusual(result(), MODEL) == (
        "Unusual pull request",
        "**Unusual**: score 7.34, threshold 5.10; higher than 99.8 % of this repository's past pull requests.\n"
        "\n"
        "It\n"
        "\n"
        "- changes 412 files; 99 % of this repository's change fewer than 69\n"
        "- comes from a first-time author and says next to nothing\n"
        "- was opened at 3:00 UTC, an unlikely hour for its author\n"
        "\n"
        "This is a hint, not a verdict: the pull request differs from the others here, which doesn't mean that "
        "anything is wrong with it or its author. It may deserve a second look; nothing is blocked.\n"
        "\n"
        "<sub>PR Sentinel, model pr-sentinel 3. Mute, limit or turn off these notifications in "
        "`.github/pr-sentinel.yml` on the default branch, or remove the app or the webhook in the repository's "
        "settings.</sub>",
    )


def test_an_outdated_notification_is_replaced() -> None:
    """With the score that it has now, and no reasons."""
    words = messages.format_back_to_standard(result(score=1.2, unusual=False, level="standard"), MODEL)
    assert words.title == "No longer an unusual pull request"
    assert "score 1.20, threshold 5.10" in words.body
    assert REASONS[0] not in words.body


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"level": "high"}, "**High**"),
        ({"percentile": 99.99}, "higher than 99.9 % of"),
        ({"percentile": 100.0}, "higher than all of"),
        ({"history": "all"}, "this one has too few"),
        ({"history": "none"}, "history could not be read"),
    ],
)
def test_the_comparison_is_never_overstated(changes: dict[str, Any], said: str) -> None:
    """Never more certain than it is."""
    assert said in messages.format_unusual(result(**changes), MODEL).body


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a *b* _c_ `d`", r"a \*b\* \_c\_ \`d\`"),
        ("[x](http://evil.example)", "\\[x\\](http:\u200b//evil.example)"),
        ("<img src=x> &lt;", r"\<img src=x\> \&lt;"),
        ("thanks @octocat #12", "thanks @\u200boctocat #\u200b12"),
        ("www.evil.example", "www\u200b.evil.example"),
        ("one\n# two\r\n- three", "one # two - three"),
        ("a | b ~~c~~ ![d]", r"a \| b \~\~c\~\~ \!\[d\]"),
        ("changes 4 files; 99 % change fewer", "changes 4 files; 99 % change fewer"),
    ],
)
def test_markdown_in_a_reason_is_escaped(text: str, shown: str) -> None:
    """Reasons are the model's own words; should a name get into them, it mentions nobody and links nowhere."""
    assert messages.escape_markdown(text) == shown
    assert f"\n- {shown}\n" in messages.format_unusual(result(reasons=[text]), MODEL).body
