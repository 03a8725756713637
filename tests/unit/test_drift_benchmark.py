"""Each injected change is found on synthetic pull requests within 200 of them, and nothing where there is none."""

import pytest

from benchmarks.drift.changes import CHANGES
from benchmarks.drift.replaying import find_changes
from benchmarks.drift.streams import CHANGED, Stream, fit_model, pass_repository, read_rows

REPOSITORY = "example/webshop"

Found = dict[str, dict[str, int | None]]


@pytest.fixture(scope="module")
def found() -> Found:
    """After how many pull requests each change is found."""
    rows = read_rows(None, None)[REPOSITORY]
    streams: dict[str, Stream] = {REPOSITORY: pass_repository(rows, [])}
    return find_changes(streams, fit_model(streams))


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_found(change: str, found: Found) -> None:
    """A bot, another policy, a template, spam and another time zone; a hundred ordinary ones came before."""
    after = found[change][REPOSITORY]
    assert after is not None
    assert 0 < after <= CHANGED


@pytest.mark.slow
def test_without_a_change_nothing_is_found(found: Found) -> None:
    """In the same pull requests."""
    assert found["unchanged"] == {REPOSITORY: None}
