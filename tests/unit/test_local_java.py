"""The Java that a run uses."""

import subprocess
from pathlib import Path

import pytest

from local.services import java

OLD = """#!/bin/sh
echo 'openjdk version "11.0.2" 2019-01-15' >&2
"""


def test_a_java_that_is_too_old_gives_way_to_the_one_from_the_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And that one starts with the option that Spark's launcher adds, which it does not know by itself."""
    old = tmp_path / "old" / "bin" / "java"
    old.parent.mkdir(parents=True)
    old.write_text(OLD)
    old.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "old"))
    home = java.home(tmp_path / "java")
    assert home == tmp_path / "java"
    command = [str(home / "bin" / "java"), "--add-modules=jdk.incubator.vector", "-version"]
    assert 'version "' in subprocess.run(command, capture_output=True, text=True, check=True).stderr


def test_a_java_home_that_is_new_enough_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has set one up wants it used."""
    new = tmp_path / "new" / "bin" / "java"
    new.parent.mkdir(parents=True)
    new.write_text(OLD.replace("11.0.2", "21.0.1"))
    new.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "new"))
    assert java.home(tmp_path / "java") == tmp_path / "new"
