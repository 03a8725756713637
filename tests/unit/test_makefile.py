"""What a caller gives to make stays a text: it reaches commands whole, and no shell and no make runs any of it."""

import os
import re
import shutil
from pathlib import Path
from subprocess import run

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "Makefile").read_text("utf-8")
LINES = TEXT.replace("\\\n", " ").splitlines()
CALLERS = " ".join(re.findall(r"^CALLERS [:+]= (.*)$", "\n".join(LINES), re.MULTILINE)).split()
TARGETS = re.findall(r"^([a-z-]+):.*## ", TEXT, re.MULTILINE)
STUBS = ("python", "pytest", "ruff", "mypy", "lint-imports", "codespell", "yamllint")
STUB = """#!/bin/sh
for argument in "$0" "$@"; do printf '%s\\0' "$argument" >> "$CALLS"; done
"""
HOSTILE = (
    '"; touch pwned; "',
    "'; touch pwned; '",
    "x; touch pwned",
    "x\ntouch pwned",
    "| touch pwned",
    "`touch pwned`",
    "$(touch pwned)",
    "$$(touch pwned)",
    "$(shell touch pwned)",
    "${shell touch pwned}",
    "$(eval X := $(shell touch pwned))",
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The Makefile beside commands that only note what they are given."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("pyproject.toml", "uv.lock", "steps/serve/requirements.txt", ".ci/uv.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    commands = [
        *(tmp_path / ".venv" / "bin" / name for name in STUBS),
        *(tmp_path / "path" / name for name in ("docker", "syft", "git", "python3")),
        tmp_path / ".tools" / "uv" / "bin" / "uv",
        tmp_path / ".ci" / "environment",
    ]
    for path in commands:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(STUB, "utf-8")
        path.chmod(0o755)
    return tmp_path


def call(project: Path, *arguments: str, **variables: str) -> list[str]:
    """Run make, all that it can, and return all words that commands were given."""
    path = f"{project / 'path'}{os.pathsep}/usr/bin{os.pathsep}/bin"
    calls = project / "calls"
    calls.write_bytes(b"")
    environment = {"PATH": path, "CALLS": str(calls), **variables}
    run(["make", "--keep-going", *arguments], cwd=project, env=environment, capture_output=True, check=False)
    return calls.read_bytes().decode().split("\0")


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("by_environment", [False, True])
def test_no_value_of_a_caller_is_run(project: Path, value: str, by_environment: bool) -> None:
    """In any target, whether it comes as a variable of make or of the environment."""
    given = dict.fromkeys([*CALLERS, "LOAD_SECONDS"], value)
    targets = [name for name in TARGETS if name != "clean"]
    if by_environment:
        words = call(project, *targets, **given)
    else:
        words = call(project, *targets, *(f"{name}={text}" for name, text in given.items()))
    assert not list(project.rglob("pwned"))
    assert f"--port={value}" in words
    assert f"--since={value}" in words
    assert words.count(value) >= 3


@pytest.mark.parametrize("value", HOSTILE)
def test_no_python_that_a_caller_names_is_more_than_a_program(project: Path, value: str) -> None:
    """It makes the environment of uv, before anything else is there."""
    shutil.rmtree(project / ".tools")
    call(project, "--ignore-errors", "setup", f"PYTHON={value}")
    assert not list(project.rglob("pwned"))


def test_recipes_take_from_make_only_what_the_makefile_itself_sets() -> None:
    """A caller's value is never part of a shell's text, not even within quotes."""
    own = set(re.findall(r"^([A-Z_]+) := ", TEXT, re.MULTILINE)) - {"CALLERS"}
    assert len(CALLERS) > 10
    assert not own & set(CALLERS)
    recipes = [line for line in LINES if line.startswith("\t")]
    used = {name for line in recipes for name in re.findall(r"(?<!\$)\$[({]?([^\s)}]*)", line.replace("$$", ""))}
    assert used - {"@", "*"} <= own


def test_every_variable_that_help_names_is_a_callers() -> None:
    """So that none is forgotten; limits of the load test have a prefix."""
    named = {name for line in LINES if "## " in line for name in re.findall(r"\b([A-Z_]+)=", line)}
    assert named <= set(CALLERS)


def test_defaults_hold_where_a_caller_gives_nothing(project: Path) -> None:
    """And the address follows the port."""
    assert "--port=3000" in call(project, "serve")
    assert "http://127.0.0.1:3001" in call(project, "load", "PORT=3001")
    assert "http://127.0.0.1:3002" in call(project, "load", PORT="3002")
    words = call(project, "check", "AGAINST=http://old", "DIGEST=abc")
    assert {"--digest=abc", "--against=http://old", "--pulls=samples", "http://127.0.0.1:3000"} <= set(words)
    assert not [word for word in call(project, "check") if word.startswith("--digest")]


def test_several_words_stay_several(project: Path) -> None:
    """Where a variable holds arguments: of pytest, and of docker."""
    words = call(project, "test", "TESTS=tests/unit --shuffle 7", "WORKERS=3")
    assert words[words.index("-n") + 1] == "3"
    assert words[words.index("tests/unit") + 1] == "--shuffle"
    words = call(project, "images", "OPTIONS=--pull --quiet", "COMMIT=cluster")
    assert words[words.index("--pull") + 1] == "--quiet"
    assert "pr-sentinel/fetch:cluster" in words


def test_bench_runs_every_benchmark_that_needs_no_arguments(project: Path) -> None:
    """One that needs some would stop those after it."""
    files = {f"benchmarks.{path.stem}": path.read_text("utf-8") for path in (ROOT / "benchmarks").glob("[a-z]*.py")}
    shutil.copytree(ROOT / "benchmarks", project / "benchmarks", ignore=shutil.ignore_patterns("__pycache__"))
    run_by_bench = [word for word in call(project, "bench") if word.startswith("benchmarks.")]
    assert run_by_bench == sorted(name for name, text in files.items() if "required=True" not in text)


def test_a_rollback_needs_a_version(project: Path) -> None:
    """The project's own is none."""
    (project / "pyproject.toml").write_text('version = "0.1.0"\n')
    assert "rollback" not in call(project, "rollback")
    words = call(project, "rollback", "VERSION=3")
    assert words[words.index("rollback") :][:3] == ["rollback", "--", "3"]
