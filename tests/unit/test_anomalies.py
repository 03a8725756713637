"""Injected anomalies: files agree with sizes, strangers are new, and nothing unknown becomes known."""

from datetime import timedelta
from random import Random
from typing import Any

import pyarrow as pa
import pytest

from steps.common.accounts import newest_account
from steps.common.changed_files import MAX_FILES, MAX_PATH
from steps.preprocess.anomalies import KINDS
from steps.preprocess.held_out import HELD_OUT_KINDS
from steps.preprocess.injection import OPTIONAL, Kind, Past
from steps.scoring.vectors import PULL_SCHEMA
from tests.support.pulls import TEXTS, pull, pulls

EVERY = (*KINDS, *HELD_OUT_KINDS)
STRANGERS = ("outsider_junk", "copycat_burst", "polished_slop", "impersonated_bot", "workflow_edit")
REMAINS = ("id", "repository", "number")
UNKNOWN = dict.fromkeys(OPTIONAL)


def past(**changes: Any) -> Past:
    """A repository that has seen some hundreds of pull requests."""
    found = Past(TEXTS)
    for one in pulls(300):
        found.update(one | changes)
    return found


KNOWN, HARDLY_KNOWN = past(), past(**UNKNOWN)


def injected(kind: Kind, seed: int, known: Past = KNOWN, **changes: Any) -> list[dict[str, Any]]:
    """What a kind makes of one pull request."""
    found = kind(pull(400 + seed, **changes), known, Random(f"{kind.__name__} {seed}"))
    return found or []


def judged(name: str, seed: int = 1, **changes: Any) -> dict[str, Any]:
    """The last of what a kind makes."""
    return injected(next(kind for kind in EVERY if kind.__name__ == name), seed, **changes)[-1]


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("changed_files", [0, 1, 3, 40, 250])
def test_files_agree_with_the_counts(kind: Kind, changed_files: int) -> None:
    """Each path once and in order, all lines up to a hundred files, and no more lines than there are beyond."""
    lines: dict[str, Any] = {"additions": 60, "deletions": 21} if changed_files else {"additions": 0, "deletions": 0}
    for seed in range(30):
        for one in injected(kind, seed, changed_files=changed_files, **lines):
            files = one["files"]
            paths = [file["path"] for file in files]
            assert paths == sorted(set(paths))
            assert all(0 < len(path) <= MAX_PATH for path in paths)
            assert len(files) == min(one["changed_files"], MAX_FILES)
            for name in ("additions", "deletions"):
                counts = [file[name] for file in files]
                assert min(counts, default=0) >= 0
                assert sum(counts) == one[name] or (one["changed_files"] > MAX_FILES and sum(counts) <= one[name])
            assert not any(file["status"] == "A" and file["deletions"] for file in files)
            assert not any(file["status"] == "D" and file["additions"] for file in files)


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
def test_an_anomaly_is_a_row_like_any_other(kind: Kind) -> None:
    """Of the schema, and the same each time."""
    rows = injected(kind, 5)
    assert rows == injected(kind, 5)
    assert pa.Table.from_pylist(rows, PULL_SCHEMA).to_pylist() == rows
    assert all(one[name] == pull(405)[name] for one in rows for name in REMAINS)


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
def test_what_is_not_known_of_a_pull_request_is_not_known_of_its_anomaly(kind: Kind) -> None:
    """Or a detector would find the anomalies by what is known of them."""
    for one in injected(kind, 7, HARDLY_KNOWN, **UNKNOWN):
        assert {name: one[name] for name in UNKNOWN} == UNKNOWN


@pytest.mark.parametrize("name", STRANGERS)
def test_strangers_have_new_accounts_and_nothing_merged(name: str) -> None:
    """And a fork of their own; people, whatever they call themselves."""
    for seed in range(20):
        one = judged(name, seed)
        newest = newest_account(one["created_at"])
        assert newest_account(one["created_at"] - timedelta(days=30)) < one["author_id"] <= newest
        assert (one["author_type"], one["cross_repository"], one["merged_at"]) == ("User", True, None)
        assert one["author"] not in KNOWN.accounts


def test_a_dump_adds_files_below_one_folder_of_others() -> None:
    """Beside those that were changed anyway."""
    one = judged("vendored_dump", changed_files=2)
    added = [file["path"].split("/")[0] for file in one["files"] if file["status"] == "A"]
    assert len(set(added)) == 1
    assert len(added) > 5
    assert {"vendor", "third_party", "node_modules", "external", "deps"} >= set(added)


def test_a_deletion_removes_files_that_were_there() -> None:
    """Of those that the repository has seen changed."""
    seen = set(KNOWN.paths(10_000, Random(1)))
    gone = [file["path"] for file in judged("mass_deletion")["files"] if file["status"] == "D"]
    assert gone
    assert set(gone) <= seen | {path for path in gone if "_" in path}


def test_a_large_typo_fix_has_the_files_of_the_change_whose_size_it_has() -> None:
    """Sizes and files are one pull request's."""
    one = judged("big_typo_fix")
    donors = [size["files"] for size in KNOWN.sizes if size["additions"] == one["additions"]]
    assert one["files"] in donors


def test_a_hijacked_account_is_a_persons_whom_the_repository_knows() -> None:
    """A bot's many pull requests make no veteran of it."""
    one = judged("hijacked_maintainer")
    assert {name: one[name] for name in ("author_id", "author_type")}.items() <= KNOWN.accounts[one["author"]].items()
    bots = past(author_type="Bot")
    assert not injected(next(kind for kind in KINDS if kind.__name__ == "hijacked_maintainer"), 1, bots)


def test_slop_says_much_about_little() -> None:
    """With headings and lists, and never twice the same."""
    made = [judged("polished_slop", seed) for seed in range(40)]
    assert all(one["additions"] + one["deletions"] <= 6 for one in made)
    assert all(600 < len(one["body"]) < 2_500 and one["body"].count("## ") >= 4 for one in made)
    assert len({one["body"] for one in made}) == len(made)


def test_an_impersonated_bot_takes_the_words_of_a_real_one() -> None:
    """Where the repository has one; its files are none of a bump."""
    known = past(author_type="Bot", title="build(deps): bump rack", body="Bumps rack.")
    kind = next(kind for kind in HELD_OUT_KINDS if kind.__name__ == "impersonated_bot")
    assert injected(kind, 1, known)[-1]["title"] == "build(deps): bump rack"
    assert judged("impersonated_bot")["title"].startswith("Bump ")
    assert not any("lock" in file["path"] for file in judged("impersonated_bot")["files"])


def test_a_workflow_edit_is_of_workflows_alone() -> None:
    """One or two of them."""
    files = judged("workflow_edit")["files"]
    assert 1 <= len(files) <= 2
    assert all(file["path"].startswith(".github/workflows/") for file in files)
