"""The real service with a small model, and a Chromium that opens its page."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bson
import pytest
from pymongo import MongoClient

from local.services import embedded
from samples.graph import SITE
from steps.common.settings import MongoSettings
from steps.scoring.history import VERSION
from tests.pages.browser import Page
from tests.pages.chromium import chromium
from tests.support import builders, pulls, serving

REPOSITORIES = ("owner/name", "example/webshop")
"""The model card names the first; the fake GitHub has pull requests of the second."""
PAST = [pull for name in REPOSITORIES for pull in pulls.pulls(600, name)]


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model with the real features."""
    folder = tmp_path_factory.mktemp("model")
    builders.fitted(folder, PAST)
    return folder


@pytest.fixture(scope="session")
def service(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a service with every setting."""
    folder = tmp_path_factory.mktemp("service")
    with embedded.mongo(folder) as uri, embedded.sample_github(folder) as github:
        _keep_histories(uri)
        settings = {"MODEL_DIR": str(model), "MONGO_URI": uri, "GITHUB_URL": SITE, **github}
        with serving.running(folder, settings) as running:
            yield running.address


@pytest.fixture(scope="session")
def bare(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a service with only a model: no token, no histories."""
    with serving.running(tmp_path_factory.mktemp("bare"), {"MODEL_DIR": str(model)}) as running:
        yield running.address


@pytest.fixture(scope="session")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Page]]:
    """A function that opens a tab in the Chromium of this test session."""
    with chromium(tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


@pytest.fixture
def page(tab: Callable[[], Page], request: pytest.FixtureRequest) -> Iterator[Page]:
    """A blank tab; the test fails if it logs an error or contacts another host."""
    shown = tab()
    shown.look()
    yield shown
    shown.close()
    own = tuple(request.getfixturevalue(name) for name in ("service", "bare") if name in request.fixturenames)
    assert shown.complaints == []
    assert [url for url in shown.requests if not url.startswith((*own, "about:", "data:"))] == []


def _keep_histories(uri: str) -> None:
    """Store each repository's history as preprocess does, and what people said about twenty alerts of the second."""
    rows: list[dict[str, Any]] = [row for row in pulls.passed(PAST) if row["split"] == "history"]
    with MongoClient[dict[str, Any]](uri) as client:
        client[MongoSettings.model_fields["mongo_db"].default].history.insert_many(
            {"_id": row["repository"], "state": bson.Binary(row["state"]), "dataset": "a", "version": VERSION}
            for row in rows
        )
        client[MongoSettings.model_fields["mongo_db"].default].feedback.insert_many(
            {"repository": REPOSITORIES[1], "verdict": verdict, "kinds": [], "announced_at": datetime.now(UTC)}
            for verdict in ["useful"] * 14 + ["useless"] * 6
        )
