"""Errors when Spark's Java can't be used."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys
from steps.common.step_frame import run_step
from steps.preprocess import spark

with run_step("preprocess"), spark.open_session(sys.argv[1]):
    pass
"""


@pytest.mark.parametrize(
    ("master", "environment", "words"),
    [
        ("local[1]", {"JAVA_HOME": "/nowhere"}, "/nowhere/bin/java: No such file"),
        ("nonsense", {}, "Master must"),
    ],
)
def test_a_java_that_can_not_be_started_is_a_configuration_error(
    master: str, environment: dict[str, str], words: str
) -> None:
    """One line shows Java's output and what to set."""
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, master],
        cwd=Path(__file__).parents[2],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    last = json.loads(ended.stderr.splitlines()[-1])
    assert ended.returncode == 78
    assert words in last["message"]
    assert "JAVA_HOME" in last["advice"]
