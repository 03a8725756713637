"""Each package for development is there for something that is in the repository."""

import re
import tomllib
from importlib import metadata

import pytest

from tests.support.command_line import ROOT

GROUP = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]["dev"]
NAMES = [re.split(r"[^\w.-]", requirement)[0] for requirement in GROUP]
OPTIONS = {"pytest-cov": "--cov", "pytest-xdist": "--dist"}
"""What is used of a plugin of pytest that nobody imports."""
UNNAMED = {"pyopenssl": "model_signing imports it, and does not require it"}
PROGRAMS = ("Makefile", ".pre-commit-config.yaml", "CONTRIBUTING.md", "benchmarks/serving/servers.py")
FOLDERS = ("benchmarks", "docs", "infra", "local", "monitoring", "release", "rollouts", "samples", "steps", "tests")


@pytest.fixture(scope="module")
def imported() -> set[str]:
    """The top-level modules that are imported, or started with -m."""
    found: set[str] = set()
    for path in (path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")):
        text = path.read_text("utf-8")
        found |= set(re.findall(r"^\s*(?:import|from) (\w+)", text, re.MULTILINE))
        found |= set(re.findall(r"\"-m\", \"(\w+)", text))
    return found


def find_modules(name: str) -> set[str]:
    """The modules that a package installs at the top."""
    files = metadata.distribution(name).files or []
    return {file.parts[0].removesuffix(".py") for file in files if file.suffix == ".py" and file.parts[0] != ".."}


def test_every_one_is_imported_or_called(imported: set[str]) -> None:
    """By a module, a program of its own, or an option of pytest's."""
    called = "".join((ROOT / name).read_text("utf-8") for name in PROGRAMS)
    unused = []
    for name in set(NAMES) - set(UNNAMED):
        try:
            modules = find_modules(name)
        except metadata.PackageNotFoundError:  # not for this Python
            continue
        programs = {entry.name for entry in metadata.distribution(name).entry_points.select(group="console_scripts")}
        words = {OPTIONS.get(name, name), *programs}
        if not modules & imported and not any(re.search(rf"(?<![\w-]){re.escape(word)}\b", called) for word in words):
            unused.append(name)
    assert unused == []
