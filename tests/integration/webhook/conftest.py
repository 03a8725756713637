"""A webhook at a service, with its MongoDB and its GitHub."""

from collections.abc import Iterator

import pytest

from tests.support.github import StandIn
from tests.support.webhook.app import create
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
    shorten_waits(configured)
    with serving(create()) as address:
        yield Hook(address, database, github)
