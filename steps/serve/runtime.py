"""What lives as long as the service: the model, the histories, the connections."""

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import PyMongoError

from steps.common.errors import SentinelError, Unavailable
from steps.common.mongo import Document
from steps.common.settings import ServeSettings
from steps.preprocess.features import NAMES
from steps.serve.contract import ModelName
from steps.serve.histories import Histories
from steps.serve.scoring import Scorer
from steps.train import golden
from steps.train.model import Model

MONGO_TIMEOUT_MS = 800
"""An answer does not wait longer for MongoDB."""
VERSION_FILE = "version.json"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Runtime:
    """All that answers come from; without a sound model there is no scorer, and `problem` says why."""

    settings: ServeSettings
    database: Database[Document] | None
    scorer: Scorer | None
    registration: dict[str, str]

    def ready(self) -> Scorer:
        """The scorer.

        Raises:
            Unavailable: no model could be loaded.
        """
        if self.scorer is None:
            raise Unavailable("This service has no model that it may use.", advice="Its log says what is wrong.")
        return self.scorer


@asynccontextmanager
async def running(settings: ServeSettings) -> AsyncIterator[Runtime]:
    """Bring everything up, and down again."""
    database = connect(settings)
    try:
        try:
            model, registration = load_model(settings.model_dir)
        except SentinelError as error:
            logger.error(error.problem, extra={"error": type(error).__name__, "advice": error.advice})  # noqa: TRY400
            yield Runtime(settings, database, None, {})
            return
        name = ModelName(name=registration["name"], version=registration["version"], digest=model.digest)
        logger.info("model loaded", extra=name.model_dump())
        yield Runtime(settings, database, Scorer(model, name, Histories(database)), registration)
    finally:
        if database is not None:
            database.client.close()


def connect(settings: ServeSettings) -> Database[Document] | None:
    """MongoDB, where one is named; nothing is asked of it yet."""
    if settings.mongo_uri is None:
        logger.warning("no MONGO_URI: scoring without histories, keeping no predictions")
        return None
    try:
        client: MongoClient[Document] = MongoClient(
            settings.mongo_uri.get_secret_value(),
            tz_aware=True,
            timeoutMS=MONGO_TIMEOUT_MS,
            serverSelectionTimeoutMS=MONGO_TIMEOUT_MS,
            appname="pr-sentinel-serve",
        )
    except (PyMongoError, ValueError) as error:
        logger.error("MONGO_URI can't be used", extra={"error": type(error).__name__})  # noqa: TRY400
        return None
    return client[settings.mongo_db]


def load_model(folder: Path) -> tuple[Model, dict[str, str]]:
    """A model whose every file has its hash and that scores the golden pull requests as at training.

    Raises:
        DamagedArtefact: it isn't such a model.
    """
    model = Model.load(folder)
    model.check_features(NAMES)
    golden.check(model)
    registration = {"name": "pr-sentinel", "version": "unregistered"}
    path = folder / VERSION_FILE
    if path.is_file():
        registration |= json.loads(path.read_bytes())
    return model, registration
