"""What others can do to the data of a night: each takes pull requests as the pass reads them, and returns a night's."""

from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Any

from steps.preprocess.anomalies import KINDS
from steps.preprocess.injection import Past, Text

Pulls = list[dict[str, Any]]
SHARE = 0.1
CROWD = 5_000
SEED = 5


def mix_in_anomalies(pulls: Sequence[dict[str, Any]], share: float = SHARE) -> Pulls:
    """Make this share of all pull requests, of training too, one of the kinds that choices are made by."""
    random = Random(SEED)
    pasts: dict[str, Past] = {}
    foreign = [Text(one["repository"], one["title"], one["body"]) for one in pulls[::20]]
    found = []
    for one in pulls:
        past = pasts.setdefault(
            one["repository"], Past([text for text in foreign if text.repository != one["repository"]])
        )
        company = random.choice(KINDS)(one, past, random) if random.random() < share else None
        found.append(company[-1] if company else one)
        past.update(one)
    return found


def add_crowd(pulls: Sequence[dict[str, Any]]) -> Pulls:
    """Add one author's thousands of small pull requests in a repository's last month."""
    last = max(pulls, key=lambda one: one["created_at"])
    first = last["created_at"] - timedelta(days=30)
    made = []
    for place in range(CROWD):
        number = 1_000_000 + place
        made.append(
            last
            | {"id": f"{last['repository']}#{number}", "number": number, "author": "flood", "author_id": 7_777_777}
            | {"created_at": first + timedelta(minutes=8 * place), "title": f"Update translation {place}", "body": ""}
            | {"additions": 1 + place % 3, "deletions": 1, "changed_files": 1, "commits": 1, "merged_at": None}
            | {"files": [{"path": f"po/{place % 50}.po", "status": "M", "additions": 1 + place % 3, "deletions": 1}]}
        )
    return [*pulls, *made]


def add_duplicates(pulls: Sequence[dict[str, Any]], copies: int = 3) -> Pulls:
    """Deliver the newest fifth of each repository again and again, under other numbers and a minute later each time."""
    ordered = sorted(pulls, key=lambda one: one["created_at"])
    newest = ordered[-len(ordered) // 5 :]
    made = []
    for copy in range(1, copies + 1):
        for one in newest:
            number = one["number"] + copy * 100_000
            when = one["created_at"] + timedelta(minutes=copy)
            made.append(one | {"id": f"{one['repository']}#{number}", "number": number, "created_at": when})
    return [*ordered, *made]


def let_drift(pulls: Sequence[dict[str, Any]], night: int) -> Pulls:
    """Mix in a few more anomalies each night, so that no night differs much from the one before."""
    return mix_in_anomalies(pulls, 0.02 * night)
