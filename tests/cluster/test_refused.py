"""The API server rejects what must not run in the pipeline's namespace, each manifest for its own reason."""

import pytest

from tests.cluster import kube
from tests.support.refusals import Refusal, refusals

CASES = refusals("cluster")


@pytest.mark.usefixtures("pipeline")
@pytest.mark.parametrize("refusal", CASES, ids=[case.path.stem for case in CASES])
def test_it_is_refused(refusal: Refusal) -> None:
    """With the words that stand in the file."""
    asks = ("--as", refusal.user) if refusal.user else ()
    assert refusal.words in kube.refused("create", "--dry-run=server", *asks, "--filename", str(refusal.path))
