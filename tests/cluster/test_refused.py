"""What must not run in the pipeline's namespace is refused by the API server, each thing for its own reason."""

from pathlib import Path

import pytest

from tests.cluster import kube
from tests.refusals import refusals

CASES = refusals("cluster")


@pytest.mark.usefixtures("pipeline")
@pytest.mark.parametrize(("path", "words", "user"), CASES, ids=[case[0].stem for case in CASES])
def test_it_is_refused(path: Path, words: str, user: str) -> None:
    """With the words that stand in the file."""
    impersonated = ("--as", user) if user else ()
    assert words in kube.refused("create", "--dry-run=server", *impersonated, "--filename", str(path))
