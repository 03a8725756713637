"""The README says what is so: its commands exist, its help is the real one, its links lead somewhere."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def test_every_command_that_it_names_is_a_target() -> None:
    """`make something` in the text or in a block."""
    named = set(re.findall(r"(?:`|\$ )make ([a-z-]+)", README))
    assert {"run", "test", "help"} <= named
    assert named <= TARGETS


def test_its_help_is_what_make_help_prints() -> None:
    """Line by line."""
    printed = subprocess.run(["make", "--silent", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert printed.strip() in README


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#:]+)\)", README))
def test_every_link_into_the_project_leads_somewhere(target: str) -> None:
    """To a file or a folder."""
    assert (ROOT / target).exists()


def test_nothing_is_left_to_be_filled_in() -> None:
    """No mark of a draft."""
    assert not re.findall(r"@@|TODO|TBD|FIXME", README)
