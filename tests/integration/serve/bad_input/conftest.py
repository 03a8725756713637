"""One service for all tests of a module."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from steps.serve.app import create_app


@pytest.fixture(scope="module")
def client(model: Path) -> Iterator[TestClient]:
    """The service in this process, one for all tests: it keeps nothing of what it refuses."""
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MODEL_DIR", str(model))
            found = stack.enter_context(TestClient(create_app()))
        yield found
