"""What a step's image holds of our code."""

import re
import subprocess
from pathlib import Path

import pytest

from steps.common.closure import find_sources
from steps.packaging import code
from tests.support.command_line import ROOT


def test_a_steps_code_is_what_it_imports(tmp_path: Path) -> None:
    """With bytecode, and with one date, so that it is the same wherever and whenever it is made."""
    code.copy_code(tmp_path, ["steps.fetch.step"])
    sources = {path.relative_to(tmp_path) for path in tmp_path.rglob("*.py")}
    assert sources == {path.relative_to(ROOT) for path in find_sources(ROOT, ["steps.fetch.step"])}
    assert not (tmp_path / "steps" / "preprocess").exists()
    assert {path.stem.partition(".")[0] for path in tmp_path.rglob("*.pyc")} == {path.stem for path in sources}
    assert {path.stat().st_mtime for path in tmp_path.rglob("*")} == {0.0}


def test_a_package_that_is_not_installed_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that an image lacks nothing that its step imports, not even late."""
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps" / "__init__.py").write_text("")
    (tmp_path / "steps" / "first.py").write_text("def later():\n    import steps.second\n")
    (tmp_path / "steps" / "second.py").write_text("import not_installed\n")
    monkeypatch.setattr(code, "ROOT", tmp_path)
    with pytest.raises(subprocess.CalledProcessError):
        code.copy_code(tmp_path / "image", ["steps.first"])


def test_a_missing_module_is_named(tmp_path: Path) -> None:
    """As after a renaming."""
    with pytest.raises(FileNotFoundError, match=r"steps\.nobody"):
        code.copy_code(tmp_path, ["steps.nobody"])


def test_all_images_have_one_base_pinned_by_digest() -> None:
    """The steps' and the service's."""
    recipes = (ROOT / "steps" / "Dockerfile", ROOT / "steps" / "serve" / "bento.Dockerfile")
    bases = {name for recipe in recipes for name in re.findall(r"^ARG BASE=(.+)$", recipe.read_text(), re.MULTILINE)}
    assert len(bases) == 1
    assert re.fullmatch(r"python:[\w.-]+@sha256:[0-9a-f]{64}", bases.pop())
