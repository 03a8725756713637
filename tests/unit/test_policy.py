"""A repository's own rules: what is read, what is refused with a reason, and what is muted."""

import time
from typing import Any

import pytest

from docs.tools.repository_file import EXAMPLE
from steps.common.pull_request import PullRequest
from steps.serve.policy import DEFAULT_POLICY, MAX_BYTES, AlertPolicy, Mutes, PolicyError, find_mute, matches, parse

WHOLE = b"""
# Rules for alerts
mode: off
weekly_alerts: 2
alert_budget: 0.02
mute:
  authors: [dependabot[bot], "42"]
  paths:
    - docs/**
  labels: [on, 1.0]
  reasons: [dump, binary_files]
"""


def test_every_field_is_read_as_it_is_written() -> None:
    """`off` and `on` are words, not truth values, and a label may look like a number."""
    found = parse(WHOLE.replace(b"[dependabot[bot]", b"['dependabot[bot]'"))
    assert found.model_dump() == {
        "mode": "off",
        "weekly_alerts": 2,
        "alert_budget": 0.02,
        "mute": {
            "authors": ("dependabot[bot]", "42"),
            "paths": ("docs/**",),
            "labels": ("on", "1.0"),
            "reasons": ("dump", "binary_files"),
        },
    }


def test_the_example_of_the_reference_is_valid() -> None:
    """And sets every field."""
    lines = [line for line in EXAMPLE.splitlines() if not line.startswith("```")]
    assert parse("\n".join(lines).encode()).model_fields_set == set(AlertPolicy.model_fields)


@pytest.mark.parametrize("content", [b"", b"# nothing\n", b"---\n", b"mute:\n", b"mode:\nmute:\n  authors:\n"])
def test_an_empty_file_holds_the_defaults(content: bytes) -> None:
    """As do fields without a value."""
    assert parse(content) == DEFAULT_POLICY


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"mode: loud\n", "mode: Input should be 'off', 'record', 'check' or 'comment'"),
        (b"weekly_alerts: -1\n", "weekly_alerts: Input should be greater than or equal to 0"),
        (b"weekly_alerts: 1e9\n", "weekly_alerts"),
        (b"alert_budget: 1\n", "alert_budget: Input should be less than or equal to 0.1"),
        (b"alert_budget: .nan\n", "alert_budget"),
        (b"alert_budget: nan\n", "alert_budget"),
        (b"mutes: {}\n", "mutes: Extra inputs are not permitted"),
        (b"mute: {reasons: [loudness]}\n", "is not one of dump, deletion"),
        (b"mute: {authors: octocat}\n", "mute.authors"),
        (b"mute: {paths: ['**/**/**/**/**']}\n", "more than 4 parts"),
        (b"- mode\n", "Input should be a valid dictionary"),
        (b"off\n", "Input should be a valid dictionary"),
        (b"mode: off\nmode: comment\n", "a key appears twice"),
        (b"a: &a [x]\nb: *a\n", "aliases are not allowed"),
        (b"mode: [", "not valid YAML in line 1"),
        (b"? [a, b]\n: c\n", "not a text"),
        (b"mode: off\n---\nmode: off\n", "not valid YAML"),
        (b"\xff\xfe", "not UTF-8"),
        (b"mode: \x00\n", "not valid YAML"),
        (b"[" * 5_000, "nested too deeply"),
        (b"mode: " + b"x" * MAX_BYTES, "more than 16,384 bytes"),
        (b"!!python/object/apply:os.system [id]\n", "Input should be a valid dictionary"),
    ],
)
def test_a_file_that_is_not_valid_is_refused_with_the_reason(content: bytes, problem: str) -> None:
    """Whatever it is; the reason is short."""
    with pytest.raises(PolicyError) as caught:
        parse(content)
    assert problem in str(caught.value)
    assert len(str(caught.value)) < 2_500


def test_a_file_that_multiplies_itself_costs_nothing() -> None:
    """Neither by aliases nor by merge keys."""
    lines = ["a0: &a0 {x: y}", *(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 12))]
    with pytest.raises(PolicyError, match="aliases"):
        parse("\n".join(lines).encode())


@pytest.mark.parametrize(
    ("glob", "path", "expected"),
    [
        ("docs/**", "docs/index.md", True),
        ("docs/**", "docs/a/b/c.md", True),
        ("docs/**", "docs", False),
        ("docs/**", "src/docs/a.md", False),
        ("/docs/**", "docs/a.md", True),
        ("**/*.md", "README.md", True),
        ("**/*.md", "a/b/README.md", True),
        ("*.md", "README.md", True),
        ("*.md", "a/README.md", False),
        ("**/generated/**", "a/generated/b.go", True),
        ("**/generated/**", "generated/b.go", True),
        ("**/generated/**", "a/generated", False),
        ("a/**/z", "a/z", True),
        ("a/**/z", "a/b/c/z", True),
        ("a/*/z", "a/b/c/z", False),
        ("a?c/[xy].txt", "abc/x.txt", True),
        ("a?c/[xy].txt", "abc/z.txt", False),
        ("**", "anything/at/all", True),
        ("docs/**", "DOCS/a.md", False),
    ],
)
def test_a_glob_matches_as_in_the_filters_of_workflows(glob: str, path: str, expected: bool) -> None:
    """A star stays within a folder, two stand for any number of folders."""
    assert matches(glob, path) is expected


def test_a_glob_made_to_be_slow_is_not() -> None:
    """Its time does not explode; backtracking would take longer than anybody lives."""
    began = time.process_time()
    assert not matches("*a" * 90 + "b", "a" * 1_000)
    assert not matches("**/*a*a*a/**/*a*a*a/**/b", "/".join(["aaaa"] * 60))
    assert time.process_time() - began < 1


def pull(**changes: Any) -> PullRequest:
    """A pull request that changes two documents."""
    files = [
        {"filename": f"docs/{name}.md", "status": "modified", "additions": 1, "deletions": 0} for name in ("one", "two")
    ]
    usual = {
        "number": 7,
        "title": "Explain it",
        "user": {"login": "Octocat"},
        "state": "open",
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "additions": 2,
        "deletions": 0,
        "changed_files": 2,
        "commits": 1,
        "labels": [{"name": "Release"}],
        "base": {"ref": "main", "repo": {"full_name": "owner/name"}},
        "files": files,
    }
    return PullRequest.model_validate(usual | changes)


RENAMED = [{"filename": "docs/one.md", "status": "renamed", "additions": 0, "deletions": 0}]


@pytest.mark.parametrize(
    ("mutes", "changes", "expected"),
    [
        (Mutes(), {}, None),
        (Mutes(authors=("octocat",)), {}, "authors"),
        (Mutes(authors=("octo",)), {}, None),
        (Mutes(labels=("release",)), {}, "labels"),
        (Mutes(labels=("release",)), {"labels": []}, None),
        (Mutes(paths=("docs/**",)), {}, "paths"),
        (Mutes(paths=("docs/one.md",)), {}, None),
        (Mutes(paths=("docs/one.md", "docs/two.md")), {}, "paths"),
        (Mutes(paths=("**",)), {"changed_files": 3}, None),
        (Mutes(paths=("**",)), {"files": None}, None),
        (Mutes(paths=("**",)), {"changed_files": 0, "files": []}, None),
        (Mutes(paths=("docs/**",)), {"files": RENAMED, "changed_files": 1}, None),
    ],
)
def test_a_pull_request_is_muted_by_who_where_or_label(
    mutes: Mutes, changes: dict[str, Any], expected: str | None
) -> None:
    """By paths only if all of its files are known to be among them."""
    assert find_mute(mutes, pull(**changes)) == expected
