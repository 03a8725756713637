"""The objects that live as long as the service: the model, the histories, the connections."""

import asyncio
import gc
import json
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pymongo.database import Database

from steps.common.errors import ConfigurationError, DamagedArtefact, SentinelError, Unavailable
from steps.common.mongo import Document, create_client
from steps.common.proxies import prepare_environment
from steps.common.settings import ServeSettings
from steps.scoring import golden
from steps.scoring.features import NAMES
from steps.scoring.model import Model
from steps.serve import logs, metrics, sentry
from steps.serve.contract import ModelName, ModelRegistration
from steps.serve.histories import Histories
from steps.serve.lookup import PullRequestFetcher
from steps.serve.predictions import Predictions
from steps.serve.recent_feedback import RecentFeedback
from steps.serve.scorer import Scorer
from steps.serve.thresholds import LiveThresholds
from steps.serve.webhooks.lifespan import webhook_lifespan
from steps.serve.webhooks.receiver import DisabledReceiver, Receiver

MONGO_TIMEOUT_MS = 800
"""The longest that a response waits for MongoDB."""
VERSION_FILE = "version.json"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Runtime:
    """Everything that responses are made from; without a valid model there is no scorer."""

    settings: ServeSettings
    scorer: Scorer | None
    registration: ModelRegistration
    feedback: RecentFeedback
    pulls: PullRequestFetcher
    webhook: Receiver | DisabledReceiver

    def ready(self) -> Scorer:
        """Return the scorer.

        Raises:
            Unavailable: no model is loaded.
        """
        if self.scorer is None:
            raise Unavailable("This service has no valid model.", advice="Its log has the reason.")
        return self.scorer


@asynccontextmanager
async def service_lifespan(settings: ServeSettings) -> AsyncIterator[Runtime]:
    """Start everything, and stop it in reverse order: first what takes work, last what it needs."""
    asyncio.get_running_loop().set_exception_handler(logs.log_unretrieved)
    prepare_environment()
    async with AsyncExitStack() as stack:
        stack.callback(sentry.start(settings))
        database = connect(settings)
        if database is not None:
            stack.callback(database.client.close)
        scorer, registration = await _start_scorer(settings, database, stack)
        metrics.READY.set(scorer is not None)
        pulls = PullRequestFetcher(settings)
        stack.callback(pulls.close)
        receiver = await stack.enter_async_context(webhook_lifespan(settings, scorer))
        _freeze_heap()
        yield Runtime(settings, scorer, registration, RecentFeedback(database), pulls, receiver)


async def _start_scorer(
    settings: ServeSettings, database: Database[Document] | None, stack: AsyncExitStack
) -> tuple[Scorer | None, ModelRegistration]:
    """Load the model and start its scorer; if the model is not valid, log why and return None."""
    try:
        model, registration = load_model(settings.model_dir)
    except SentinelError as error:
        logger.error(error.problem, extra={"error": type(error).__name__, "advice": error.advice})  # noqa: TRY400
        return None, ModelRegistration()
    name = ModelName(name=registration.name, version=registration.version, digest=model.digest)
    logger.info("model loaded", extra={"model": str(name), "digest": name.digest})
    data_hash = str(model.manifest.get("data_hash", ""))
    metrics.set_model_info(name, data_hash, model.alert_budget, registration.registered_at)
    predictions = Predictions(database, name)
    writing = asyncio.create_task(predictions.run())
    stack.push_async_callback(predictions.stop, writing)
    thresholds = LiveThresholds(model, database, name.digest)
    return Scorer(model, name, Histories(database), predictions, thresholds), registration


def _freeze_heap() -> None:
    """Exclude long-lived objects from garbage collection, which would delay responses."""
    gc.collect()
    gc.freeze()


def connect(settings: ServeSettings) -> Database[Document] | None:
    """Return the MongoDB database if one is configured; this does not connect yet."""
    if settings.mongo_uri is None:
        logger.warning("MONGO_URI is not set: scoring without histories, storing no predictions")
        return None
    try:
        client = create_client(settings.mongo_uri, "pr-sentinel-serve", MONGO_TIMEOUT_MS)
    except ConfigurationError as error:
        logger.error(error.problem, extra={"advice": error.advice})  # noqa: TRY400
        return None
    return client[settings.mongo_db]


def load_model(folder: Path) -> tuple[Model, ModelRegistration]:
    """Load a model and check the hash of every file and the scores of its golden pull requests.

    Raises:
        DamagedArtefact: a check failed.
    """
    model = Model.load(folder)
    model.check_features(NAMES)
    golden.check(model)
    return model, _read_registration(folder)


def _read_registration(folder: Path) -> ModelRegistration:
    path = folder / VERSION_FILE
    if not path.is_file():
        return ModelRegistration()
    try:
        return ModelRegistration.model_validate(json.loads(path.read_bytes()))
    except ValueError as error:
        raise DamagedArtefact(
            f"{path} is not valid ({type(error).__name__}).", advice="Register the model again."
        ) from None
