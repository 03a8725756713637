"""The API server rejects what must not run in the pipeline's namespace, each manifest for its own reason."""

import pytest

from tests.cluster import kube
from tests.support.refusals import Refusal, refusals
from tests.support.waiting import wait_until

CASES = refusals("cluster")


@pytest.mark.usefixtures("pipeline")
@pytest.mark.parametrize("refusal", CASES, ids=[case.path.stem for case in CASES])
def test_it_is_refused(refusal: Refusal) -> None:
    """With the words that stand in the file; a policy takes effect some seconds after it was made."""
    asks = ("--as", refusal.user) if refusal.user else ()

    def look() -> str | None:
        done = kube.attempt("create", "--dry-run=server", *asks, "--filename", str(refusal.path))
        return done.stderr if done.returncode else None

    assert refusal.words in wait_until(look, f"a refusal of {refusal.path.name}", interval=1)
