"""The words of an announcement: what was found, what it means, how to stop it, and nothing that others wrote."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from steps.common.pull_request import PullRequest
from steps.serve.contract import ModelName, ScoreResult
from steps.serve.http import examples
from steps.serve.webhooks import messages

ROOT = Path(__file__).parents[2]
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
        "<sub>PR Sentinel, model pr-sentinel 3. Whoever runs it sees [what this result comes from]"
        "(https://github.com/pr-sentinel/pr-sentinel/blob/main/docs/service.md#what-does-a-result-come-from) with "
        "`./pr-sentinel trace 'owner/name#1'`. Mute, limit or turn off these notifications in "
        "`.github/pr-sentinel.yml` on the default branch, or remove the app or the webhook in the repository's "
        "settings.</sub>",
    )


def test_a_notification_without_reasons_reads_well_too() -> None:
    """Several small things can exceed a low threshold together."""
    body = messages.format_unusual(result(reasons=[]), MODEL).body
    assert "past pull requests.\n\nNo single feature stands out; it is the combination of all.\n\nThis is" in body


def test_every_message_names_the_model_and_leads_to_what_it_comes_from() -> None:
    """An outdated one too; its link leads to a heading of the documents."""
    command = "model pr-sentinel 3. Whoever runs it sees [what this result comes from]"
    every = [
        messages.format_unusual(result(), MODEL),
        messages.format_back_to_standard(result(), MODEL),
        *(messages.format_muted(field, result(), MODEL) for field in messages.MUTES),
    ]
    for message in every:
        assert command in message.body
        assert message.body.count("`./pr-sentinel trace 'owner/name#1'`") == 1
    path, _, anchor = messages.TRACE_DOCS.partition("/blob/main/")[2].partition("#")
    headings = re.findall(r"^#+ (.+)$", (ROOT / path).read_text("utf-8"), re.MULTILINE)
    assert anchor in [re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings]


@pytest.mark.parametrize("name", ["o/n`x`", "o/n'; touch x; '", "o/$(touch x)", "o/n x", "o/<b>", "@o/n", "o/n\n"])
def test_no_name_of_a_repository_leaves_the_command(name: str) -> None:
    """No pull request has it, so no text of the command does."""
    with pytest.raises(ValidationError, match="full_name"):
        PullRequest.model_validate(examples.PULL_REQUEST | {"base": {"ref": "main", "repo": {"full_name": name}}})


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
