"""What lives as long as the service: the model, the histories, the connections."""

import asyncio
import gc
import json
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import PyMongoError

from steps.common.errors import DamagedArtefact, SentinelError, Unavailable
from steps.common.mongo import Document
from steps.common.settings import ServeSettings
from steps.scoring import golden
from steps.scoring.features import NAMES
from steps.scoring.model import Model
from steps.serve import logs, metrics, sentry
from steps.serve.contract import ModelName, Registration
from steps.serve.histories import Histories
from steps.serve.lookup import Pulls
from steps.serve.predictions import Predictions
from steps.serve.scorer import Scorer
from steps.serve.thresholds import LiveThresholds
from steps.serve.webhooks.lifespan import listening
from steps.serve.webhooks.receiver import Closed, Receiver

MONGO_TIMEOUT_MS = 800
"""An answer does not wait longer for MongoDB."""
VERSION_FILE = "version.json"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Runtime:
    """All that answers come from; without a sound model there is no scorer."""

    settings: ServeSettings
    scorer: Scorer | None
    registration: Registration
    pulls: Pulls
    webhook: Receiver | Closed

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
    """Bring everything up, and down again: first what takes work, last what it needs."""
    asyncio.get_running_loop().set_exception_handler(logs.unretrieved)
    async with AsyncExitStack() as stack:
        stack.callback(sentry.start(settings))
        database = connect(settings)
        if database is not None:
            stack.callback(database.client.close)
        scorer, registration = await _scorer(settings, database, stack)
        metrics.READY.set(scorer is not None)
        pulls = Pulls(settings)
        stack.callback(pulls.close)
        receiver = await stack.enter_async_context(listening(settings, scorer))
        _settle()
        yield Runtime(settings, scorer, registration, pulls, receiver)


async def _scorer(
    settings: ServeSettings, database: Database[Document] | None, stack: AsyncExitStack
) -> tuple[Scorer | None, Registration]:
    """What scores, if the model is sound; the log says if it isn't."""
    try:
        model, registration = load_model(settings.model_dir)
    except SentinelError as error:
        logger.error(error.problem, extra={"error": type(error).__name__, "advice": error.advice})  # noqa: TRY400
        return None, Registration()
    name = ModelName(name=registration.name, version=registration.version, digest=model.digest)
    logger.info("model loaded", extra={"model": str(name), "digest": name.digest})
    metrics.model(name, str(model.manifest.get("data_hash", "")))
    predictions = Predictions(database, name)
    writing = asyncio.create_task(predictions.run())
    stack.push_async_callback(predictions.stop, writing)
    thresholds = LiveThresholds(model, database, name.digest)
    return Scorer(model, name, Histories(database), predictions, thresholds), registration


def _settle() -> None:
    """Spare what lives as long as the service the collector's looks, which would hold up answers."""
    gc.collect()
    gc.freeze()


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


def load_model(folder: Path) -> tuple[Model, Registration]:
    """A model whose every file has its hash and that scores the golden pull requests as at training.

    Raises:
        DamagedArtefact: it isn't such a model.
    """
    model = Model.load(folder)
    model.check_features(NAMES)
    golden.check(model)
    return model, _registration(folder)


def _registration(folder: Path) -> Registration:
    path = folder / VERSION_FILE
    if not path.is_file():
        return Registration()
    try:
        return Registration.model_validate(json.loads(path.read_bytes()))
    except ValueError as error:
        raise DamagedArtefact(f"{path} can't be read ({type(error).__name__}).", advice="Register it again.") from None
