"""Record files are read as they are, and what cannot be used is named by file and line."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.detection.records import (
    BadRecords,
    Labels,
    find_repositories,
    read_injected,
    read_labels,
)
from steps.common.pull_request import PullRequest

REPOSITORY = "owner/name"


def write(path: Path, *records: Any) -> Path:
    """Write JSON lines, compressed where the name says so."""
    lines = "".join(f"{json.dumps(record)}\n" for record in records).encode()
    path.write_bytes(gzip.compress(lines) if path.suffix == ".gz" else lines)
    return path


def injected(**changes: Any) -> dict[str, Any]:
    """A pull request to inject."""
    return {"_kind": "dump", "_into": REPOSITORY, "created_at": "2026-01-05T10:00:00Z"} | changes


def test_repositories_are_named_by_their_files(tmp_path: Path) -> None:
    """Compressed or not; a name may hold two underscores itself."""
    for name in ("owner__name.jsonl.gz", "other__a__b.jsonl", "README.md"):
        write(tmp_path / name)
    assert list(find_repositories(tmp_path)) == ["other/a__b", REPOSITORY]
    assert list(find_repositories(tmp_path, ["Owner/NAME"])) == [REPOSITORY]


@pytest.mark.parametrize(("wanted", "words"), [([], "has no files"), (["owner/gone"], "no records of owner/gone")])
def test_missing_repositories_are_named(tmp_path: Path, wanted: list[str], words: str) -> None:
    """Rather than measuring on fewer."""
    with pytest.raises(BadRecords, match=words):
        find_repositories(tmp_path, wanted)


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    """By file and number."""
    path = tmp_path / "owner__name.jsonl"
    path.write_text('{"number": 1}\n\n{"number"\n')
    with pytest.raises(BadRecords, match=r"owner__name\.jsonl:3"):
        read_labels({REPOSITORY: path})
    path.write_text("[1]\n")
    with pytest.raises(BadRecords, match="not a JSON object"):
        read_labels({REPOSITORY: path})


def test_unknown_labels_are_not_negative(tmp_path: Path) -> None:
    """A record that says nothing about spam can't be a negative."""
    path = write(
        tmp_path / "owner__name.jsonl.gz",
        {"number": 1, "_label": {"spam": True, "reverted": False}},
        {"number": 2, "_label": {"spam": None, "reverted": True}},
        {"number": 3},
    )
    assert read_labels({REPOSITORY: path}) == {
        (REPOSITORY, 1): Labels(spam=True, reverted=False),
        (REPOSITORY, 2): Labels(spam=None, reverted=True),
        (REPOSITORY, 3): Labels(spam=None, reverted=None),
    }


def test_an_injected_pull_request_is_one_that_was_just_opened(tmp_path: Path) -> None:
    """Whatever the file says of its end is dropped, and so is what only the benchmark may know."""
    end = {"merged_at": "2026-01-06T10:00:00Z", "state": "closed"}
    record = injected(**end, title="Dump", additions=9, _note="secret", _expects="lines")
    (found,) = read_injected(write(tmp_path / "injected.jsonl", record), [REPOSITORY])
    pull = PullRequest.model_validate(found.raw)
    assert (pull.state, pull.merged_at, pull.title, pull.additions) == ("open", None, "Dump", 9)
    assert (found.kind, found.repository, found.group, found.expects) == ("dump", REPOSITORY, None, "lines")
    assert not [name for name in found.raw if name.startswith("_")]


def test_injected_pull_requests_come_in_the_order_of_opening(tmp_path: Path) -> None:
    """Into the named repositories, in any spelling, and no others."""
    path = write(
        tmp_path / "injected.jsonl",
        injected(created_at="2026-01-05T12:00:00+01:00", _kind="b", _group=7),
        injected(_kind="a", _into="Owner/Name", _group=7),
        injected(_into="owner/else"),
    )
    assert [one.kind for one in read_injected(path, [REPOSITORY])] == ["a", "b"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"_kind": ""}, "_kind"),
        ({"_into": None}, "_into"),
        ({"created_at": None}, "created_at"),
        ({"created_at": "2026-01-05T10:00:00"}, "no time zone"),
        ({"created_at": "yesterday"}, "not a date"),
    ],
)
def test_an_injected_pull_request_without_its_place_is_refused(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    """By line."""
    with pytest.raises(BadRecords, match=rf"injected\.jsonl:1: .*{words}"):
        read_injected(write(tmp_path / "injected.jsonl", injected(**changes)), [REPOSITORY])
