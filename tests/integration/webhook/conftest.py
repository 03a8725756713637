"""A webhook at a service, with its MongoDB and its GitHub."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.github import StandIn
from tests.support.webhook.app import create
from tests.support.webhook.apps import configure_app
from tests.support.webhook.hook import SECRET, Hook, Mongo, serving, shorten_waits


@pytest.fixture
def configured(github: StandIn, database: Mongo, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The settings of a service that takes webhooks and comments; more may be set."""
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("WEBHOOK_MODE", "comment")
    return monkeypatch


@pytest.fixture
def hook(configured: pytest.MonkeyPatch, github: StandIn, database: Mongo) -> Iterator[Hook]:
    """A webhook at such a service."""
    with _open(configured, github, database) as opened:
        yield opened


@pytest.fixture
def app_hook(configured: pytest.MonkeyPatch, github: StandIn, database: Mongo) -> Iterator[Hook]:
    """A webhook at a service that is a GitHub App, whose installation 1 is on the repository."""
    configure_app(configured, github)
    with _open(configured, github, database) as opened:
        yield opened


@contextmanager
def _open(configured: pytest.MonkeyPatch, github: StandIn, database: Mongo) -> Iterator[Hook]:
    shorten_waits(configured)
    with serving(create()) as address:
        yield Hook(address, database, github)
