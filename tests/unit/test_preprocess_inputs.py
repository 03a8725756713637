"""When a dataset has to be built again."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from steps.preprocess import inputs
from steps.preprocess.source import Fingerprint

DOCUMENTS = Fingerprint(count=3, size=900, last_fetched_at=datetime(2026, 1, 1, tzinfo=UTC))
KEY = inputs.hash_inputs(["owner/name"], 0.05, DOCUMENTS)


def test_equal_inputs_have_equal_keys() -> None:
    """The key depends on the inputs alone."""
    assert inputs.hash_inputs(["owner/name"], 0.05, replace(DOCUMENTS)) == KEY


@pytest.mark.parametrize(
    "other",
    [
        inputs.hash_inputs(["owner/other"], 0.05, DOCUMENTS),
        inputs.hash_inputs(["owner/name"], 0.5, DOCUMENTS),
        inputs.hash_inputs(["owner/name"], 0.05, replace(DOCUMENTS, count=4)),
        inputs.hash_inputs(["owner/name"], 0.05, replace(DOCUMENTS, size=901)),
        inputs.hash_inputs(["owner/name"], 0.05, replace(DOCUMENTS, last_fetched_at=datetime(2026, 1, 2, tzinfo=UTC))),
    ],
)
def test_any_other_input_has_another_key(other: str) -> None:
    """Repositories, the maximum share of rejected documents, and each part of the documents' fingerprint matter."""
    assert other != KEY


def test_other_code_has_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change of this step's source or of a library below it builds the dataset again."""
    monkeypatch.setattr(inputs, "hash_code", lambda *_: "another")
    assert inputs.hash_inputs(["owner/name"], 0.05, DOCUMENTS) != KEY
