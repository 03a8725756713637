"""Votes on alerts: whose count, what they come to, and what they suggest."""

from datetime import UTC, datetime
from typing import Any

import pytest

from steps.serve.feedback import (
    INTERVALS,
    FeedbackSummary,
    MuteProposal,
    Reaction,
    compute_next_check,
    decide_verdict,
    propose_mutes,
    read_reactions,
    summarise_feedback,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def reaction(account: int, content: str = "+1", minute: int = 0, **user: Any) -> dict[str, Any]:
    """A reaction as GitHub lists it."""
    who = {"id": account, "login": f"user-{account}", "type": "User"} | user
    return {"id": 1, "content": content, "user": who, "created_at": f"2026-01-01T00:{minute:02}:00Z"}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], []),
        ([reaction(1), reaction(2, "-1")], [(1, "useful"), (2, "useless")]),
        ([reaction(1, "heart"), reaction(1, "eyes")], []),
        ([reaction(1, "+1", 5), reaction(1, "-1", 3)], [(1, "useful")]),
        ([reaction(7)], []),
        ([reaction(1, type="Bot")], []),
        ([{"content": "+1", "user": None}, {"content": "+1"}, {}], []),
        ([reaction(1) | {"user": {"login": "x"}}], []),
    ],
)
def test_the_latest_vote_of_each_person_counts(found: list[dict[str, Any]], expected: list[tuple[int, str]]) -> None:
    """Not that of a bot, nor that of the author, who is number 7."""
    assert [(one.account, one.vote) for one in read_reactions(found, 7)] == expected
    assert all(isinstance(one, Reaction) for one in read_reactions(found, None))


@pytest.mark.parametrize(
    ("votes", "expected"),
    [([], None), (["useful"], "useful"), (["useful", "useless"], None), (["useless", "useless", "useful"], "useless")],
)
def test_most_votes_decide(votes: list[Any], expected: str | None) -> None:
    """Even ones say nothing."""
    assert decide_verdict(votes) == expected


def test_reactions_are_read_ever_more_rarely_and_then_no_more() -> None:
    """A bounded number of requests for each alert, over about a month."""
    waits = [compute_next_check(checks, NOW) for checks in range(len(INTERVALS) + 3)]
    assert waits[len(INTERVALS) :] == [None] * 3
    assert 20 < sum(INTERVALS, start=NOW - NOW).days < 45
    assert list(INTERVALS) == sorted(INTERVALS)


def judge(*verdicts: str, kind: str = "dump") -> list[dict[str, Any]]:
    """Documents with these verdicts, newest first."""
    return [{"verdict": verdict, "kinds": [kind, "burst"]} for verdict in verdicts]


def test_the_last_twenty_alerts_are_summarised() -> None:
    """Of those that people voted on."""
    found = summarise_feedback(judge(*["useful"] * 14, *["useless"] * 6, *["useful"] * 30))
    assert found == FeedbackSummary(14, 20)
    assert found.sentence == "Of the last 20 alerts that people voted on, 14 were called useful"
    assert summarise_feedback([]).sentence == ""
    assert FeedbackSummary(1, 1).sentence == "Of the one alert with votes, 1 was called useful"


def test_a_kind_that_people_call_useless_is_to_be_muted() -> None:
    """With enough votes, and hardly a useful one among them; by the first reason only."""
    documents = [
        *judge(*["useless"] * 5, "useful", kind="binary_files"),
        *judge(*["useless"] * 4, kind="low_effort"),
        *judge(*["useless"] * 6, *["useful"] * 4, kind="deletion"),
    ]
    assert propose_mutes(documents) == [MuteProposal("binary_files", 5, 6)]
    assert propose_mutes(documents)[0].sentence == (
        "5 of 6 alerts by `binary_files` were called useless; mute it with `mute: {reasons: [binary_files]}`"
    )
