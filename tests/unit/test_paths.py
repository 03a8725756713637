"""A path tells what a file is for."""

import pytest

from steps.scoring import paths


def test_words_are_compared_without_the_ending_of_a_plural() -> None:
    """Of words that have one: neither `css` nor `bus` is a plural."""
    assert paths.singular(["hooks", "hook", "css", "class", "bus"]) == {"hook", "css", "class", "bus"}


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (".github/workflows/release.yml", "ci"),
        ("azure-pipelines.yml", "ci"),
        ("web/yarn.lock", "lock"),
        ("go.sum", "lock"),
        ("third_party/zlib/inflate.c", "vendored"),
        ("static/app.min.js", "vendored"),
        ("docs/logo.png", "binary"),
        ("setup.py", "build"),
        ("scripts/release.sh", "build"),
        ("tests/test_router.py", "test"),
        ("router_test.go", "test"),
        ("docs/router.py", "docs"),
        ("README", "docs"),
        ("app/settings.yaml", "config"),
        (".gitignore", "config"),
        ("src/formula_installer.rb", "source"),
        ("src/latest.rs", "source"),
        ("", "source"),
    ],
)
def test_kinds(path: str, kind: str) -> None:
    """By the first pattern that fits."""
    assert paths.classify(path) == kind


@pytest.mark.parametrize(
    ("path", "sensitive"),
    [
        (".github/workflows/ci.yml", True),
        ("CODEOWNERS", True),
        ("tools/publish-npm.mjs", True),
        ("install.sh", True),
        ("src/release_notes.md", False),
        ("Gemfile.lock", False),
        (".github/ISSUE_TEMPLATE.md", False),
    ],
)
def test_what_runs_elsewhere_is_sensitive(path: str, sensitive: bool) -> None:
    """CI, release and installation scripts, and who owns the code."""
    assert paths.is_sensitive(path) == sensitive


def test_paths_are_split_into_words_folders_and_extensions() -> None:
    """In lower case, without the shortest."""
    assert paths.split_pieces("src/HashMap_test.rs") == {"src", "hash", "map", "test"}
    assert (paths.directory("a/b/c/d/e.py"), paths.directory("e.py")) == ("a/b/c", "")
    assert [paths.extension(one) for one in ("a.tar.GZ", "Makefile", "x/.env")] == ["gz", "makefile", ".env"]
