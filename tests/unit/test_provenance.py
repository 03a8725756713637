"""Results are made again when the code below them changes."""

from pathlib import Path

import pytest

from steps.common import dataset, provenance, pull_request
from steps.common.provenance import hash_code
from steps.scoring import features
from steps.train import record


def test_the_same_code_has_the_same_hash_in_any_order(tmp_path: Path) -> None:
    """Whatever order the files are listed in."""
    one, two = tmp_path / "one.py", tmp_path / "two.py"
    one.write_text("1")
    two.write_text("2")
    assert hash_code([one, two], ["numpy"]) == hash_code([two, one], ["numpy"])


def test_another_source_or_version_has_another_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Either alone."""
    source = tmp_path / "one.py"
    source.write_text("1")
    before = hash_code([source], ["numpy"])
    source.write_text("2")
    assert hash_code([source], ["numpy"]) != before
    source.write_text("1")
    monkeypatch.setattr(provenance, "version", lambda _: "0")
    assert hash_code([source], ["numpy"]) != before


def test_a_training_depends_on_the_definitions_of_the_features() -> None:
    """Their words, groups and directions are part of the model, though a dataset may stay the same without them."""
    decides = record.sources()
    assert {Path(features.__file__), Path(pull_request.__file__), Path(dataset.__file__)} <= set(decides)
