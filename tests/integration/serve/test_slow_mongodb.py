"""A MongoDB that is slow or away: no response waits long for it, and nothing is lost by it."""

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from pymongo.database import Database
from starlette.testclient import TestClient

from steps.common.errors import Unavailable
from steps.common.mongo import closing, create_client
from steps.common.pull_request import PullRequest
from steps.scoring.model import Model
from steps.serve import absence
from steps.serve.app import create_app
from steps.serve.contract import ModelName
from steps.serve.histories import Histories
from steps.serve.predictions import Predictions
from steps.serve.scorer import Scorer
from tests.support.cable import Cable
from tests.support.scoring import KNOWN, OTHER, UNKNOWN, score
from tests.support.waiting import wait_until

Mongo = Database[dict[str, Any]]
Pull = dict[str, Any]


def test_what_a_slow_mongodb_reads_too_late_for_one_response_the_next_ones_have(
    cable: Cable, database: Mongo, kept_history: dict[str, Any], pull: Pull, settings: pytest.MonkeyPatch
) -> None:
    """It is not asked again, and what is to be written is not given up either."""
    database.history.insert_one({"_id": OTHER, **kept_history})
    settings.setattr(absence, "AWAY_SECONDS", 3_600)
    settings.setattr(absence, "TIMEOUT_MS", 20_000)
    with TestClient(create_app()) as client:
        cable.freeze()
        assert score(client, pull, OTHER)[0]["history"] == "none"
        time.sleep(2 * absence.MAX_WAIT_SECONDS)
        cable.thaw()
        wait_until(lambda: score(client, pull, OTHER)[0]["history"] == "repository")
        wait_until(lambda: database.predictions.count_documents({}) > 1)


def test_what_nobody_waits_for_is_not_scored_without_its_history(cable: Cable, model: Path, pull: Pull) -> None:
    """A delivery that MongoDB is too slow or too far away for is scored later: its alert would be lost for good."""
    delivered = PullRequest.model_validate(pull | {"base": {"ref": "main", "repo": {"full_name": KNOWN}}})

    async def check() -> None:
        with closing(create_client(SecretStr(cable.uri), "test", 4_000)) as client:
            histories = Histories(client[os.environ["MONGO_DB"]])
            name = ModelName(name="pr-sentinel", version="1", digest="0" * 64)
            scorer = Scorer(Model.load(model), name, histories, Predictions(None, name))
            cable.pull()
            with pytest.raises(Unavailable, match=f"MongoDB does not answer for the history of {KNOWN}"):
                await scorer.score([delivered])
            (impatient,) = await scorer.score([delivered], "/score")
            assert impatient.result.history == "none"
            cable.plug()
            cable.freeze()
            await asyncio.sleep(2 * absence.AWAY_SECONDS)
            late = asyncio.create_task(scorer.score([delivered]))
            await asyncio.sleep(2 * absence.MAX_WAIT_SECONDS)
            cable.thaw()
            assert (await late)[0].result.history == "repository"

    asyncio.run(check())


def test_a_damaged_history_does_not_keep_a_delivery_from_being_scored(
    cable: Cable, database: Mongo, kept_history: dict[str, Any]
) -> None:
    database.history.insert_one({"_id": UNKNOWN, **kept_history, "state": b"no BSON"})
    found = Histories(database)
    asyncio.run(found.read([UNKNOWN]))
    assert asyncio.run(found.for_repositories([UNKNOWN]))[UNKNOWN].source == "none"


def test_only_the_first_response_waits_for_a_mongodb_that_stands_still(
    cable: Cable, pull: Pull, settings: pytest.MonkeyPatch
) -> None:
    """A second wait would be longer than all that a busy machine takes for twenty."""
    settings.setattr(absence, "MAX_WAIT_SECONDS", 5)
    settings.setattr(absence, "AWAY_SECONDS", 3_600)
    settings.setattr(absence, "TIMEOUT_MS", 20_000)
    with TestClient(create_app()) as client:
        cable.freeze()
        began = time.monotonic()
        for number in range(20):
            score(client, pull, f"owner/new-{number}")
        assert time.monotonic() - began < 2 * absence.MAX_WAIT_SECONDS
        cable.thaw()


def test_a_service_that_is_ready_has_the_histories_of_its_model_s_repositories(
    cable: Cable, model: Path, pull: Pull
) -> None:
    """A promoted pod gets everybody's requests at once."""
    assert Model.load(model).has_own_limits(KNOWN)
    with TestClient(create_app()) as client:
        cable.pull()
        assert score(client, pull, KNOWN)[0]["history"] == "repository"
