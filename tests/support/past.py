"""A history that has seen given pull requests."""

from typing import Any

from steps.scoring.history import History
from steps.scoring.vectors import with_own
from tests.support.pulls import TEXTS


def after(rows: list[dict[str, Any]]) -> History:
    """A history that has seen these."""
    history = History((text.title, text.body) for text in TEXTS)
    for row in with_own(rows):
        history.update(row)
    return history
