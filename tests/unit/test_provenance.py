"""Results are recomputed when the code that determines them changes."""

from pathlib import Path

import pytest

from steps.common import dataset, provenance, pull_request
from steps.common.provenance import hash_code
from steps.scoring import features
from steps.train import record


def test_the_hash_does_not_depend_on_the_order_of_files(tmp_path: Path) -> None:
    """The files are sorted."""
    one, two = tmp_path / "one.py", tmp_path / "two.py"
    one.write_text("1")
    two.write_text("2")
    assert hash_code([one, two], ["numpy"]) == hash_code([two, one], ["numpy"])


def test_another_source_or_package_version_has_another_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each changes the hash by itself."""
    source = tmp_path / "one.py"
    source.write_text("1")
    before = hash_code([source], ["numpy"])
    source.write_text("2")
    assert hash_code([source], ["numpy"]) != before
    source.write_text("1")
    monkeypatch.setattr(provenance, "version", lambda _: "0")
    assert hash_code([source], ["numpy"]) != before


def test_a_training_depends_on_the_definitions_of_the_features() -> None:
    """Their names, groups and directions are part of the model, though the same dataset may do without them."""
    decides = record.sources()
    assert {Path(features.__file__), Path(pull_request.__file__), Path(dataset.__file__)} <= set(decides)
