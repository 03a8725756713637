"""Changes to inject into a stream of pull requests, each a drift that a repository may meet."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from random import Random
from statistics import median
from typing import Any

Row = dict[str, Any]
Change = Callable[[Row, Sequence[Row], Random], Row]
"""Changes a pull request; the past of its repository comes with it."""

TEMPLATE = (
    "## What does this change?\n\n{body}\n\n## Why?\n\n## Checklist\n\n- [ ] tests\n- [ ] documentation\n- [x] signed\n"
)
LIBRARIES = ("lodash", "webpack", "requests", "serde", "tokio", "numpy", "pytest", "eslint")
SPAM_TITLES = ("Update README.md", "Create test.md", "my first contribution", "Added name")
BOT_SHARE, SPAM_SHARE = 0.5, 0.5
TIME_ZONE = timedelta(hours=9)


def bot_joins(row: Row, past: Sequence[Row], random: Random) -> Row:
    """Every second pull request is one of a dependency bot that was not there before."""
    if random.random() > BOT_SHARE:
        return row
    library, major = random.choice(LIBRARIES), random.randint(1, 9)
    lines = random.randint(2, 60)
    return row | {
        "title": f"Bump {library} from {major}.{random.randint(0, 4)}.0 to {major}.{random.randint(5, 9)}.0",
        "body": f"Bumps [{library}](https://example.com/{library}).\n<details>\n<summary>Commits</summary>\n</details>\n",
        "author": "updates[bot]",
        "author_id": 49_699_333,
        "author_type": "Bot",
        "head_ref": f"updates/{library}-{major}",
        "cross_repository": False,
        "commits": 1,
        **_one_file("package-lock.json", lines, lines),
    }


def squash_policy(row: Row, past: Sequence[Row], random: Random) -> Row:
    """From now on pull requests have a single commit; where they had one before, they are no longer squashed."""
    squashed = median(one["commits"] for one in past) <= 1
    return row | {"commits": random.randint(2, 9) if squashed else 1}


def template(row: Row, past: Sequence[Row], random: Random) -> Row:
    """The repository gets a template for descriptions."""
    return row | {"body": TEMPLATE.format(body=row["body"])}


def spam_wave(row: Row, past: Sequence[Row], random: Random) -> Row:
    """Every second pull request is a newcomer's edit that says nothing."""
    if random.random() > SPAM_SHARE:
        return row
    number = random.randint(200_000_000, 290_000_000)
    return row | {
        "title": random.choice(SPAM_TITLES),
        "body": "",
        "author": f"user-{number}",
        "author_id": number,
        "author_type": "User",
        "head_ref": "patch-1",
        "cross_repository": True,
        "commits": 1,
        "merged_at": None,
        **_one_file("README.md", random.randint(1, 3), 0),
    }


def time_zone(row: Row, past: Sequence[Row], random: Random) -> Row:
    """The people who work on it are in another part of the world."""
    merged = row["merged_at"]
    return row | {
        "created_at": row["created_at"] + TIME_ZONE,
        "merged_at": merged + TIME_ZONE if merged else None,
    }


CHANGES: Mapping[str, Change] = {
    change.__name__: change for change in (bot_joins, squash_policy, template, spam_wave, time_zone)
}


def _one_file(path: str, additions: int, deletions: int) -> Row:
    file = {"path": path, "additions": additions, "deletions": deletions, "status": "M"}
    return {"additions": additions, "deletions": deletions, "changed_files": 1, "files": [file]}
