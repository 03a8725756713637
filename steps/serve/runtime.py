"""The objects that live as long as the service: the model, the histories, the connections."""

import asyncio
import gc
import json
import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pymongo.database import Database

from steps.common.errors import ConfigurationError, DamagedArtefact, SentinelError, Unavailable
from steps.common.mongo import Document, closing, create_client
from steps.common.proxies import prepare_environment
from steps.common.settings import ServeSettings
from steps.scoring import golden, signature
from steps.scoring.features import NAMES
from steps.scoring.model import Model
from steps.serve import absence, logs, metrics, sentry, spans
from steps.serve.background import cancel
from steps.serve.contract import ModelName, ModelRegistration
from steps.serve.histories import Histories
from steps.serve.lookup import PullRequestFetcher
from steps.serve.predictions import Predictions
from steps.serve.recent_feedback import RecentFeedback
from steps.serve.scorer import Scorer
from steps.serve.thresholds import LiveThresholds
from steps.serve.webhooks.lifespan import webhook_lifespan
from steps.serve.webhooks.receiver import DisabledReceiver, Receiver

READ_AHEAD_SECONDS = 2.0
"""The longest that the start waits for histories; those that take longer are read beside the first requests."""
MAX_THREADS = 32
"""Threads that wait for MongoDB or GitHub; asyncio's own number, six on two processors, a slow MongoDB would use up."""
VERSION_FILE = "version.json"

logger = logging.getLogger(__name__)


class ServedModel(NamedTuple):
    """A verified model, the registry's record of it, and the bundle of its signature; None if it is unsigned."""

    model: Model
    registration: ModelRegistration
    signature: dict[str, Any] | None


@dataclass(frozen=True)
class Runtime:
    """Everything that responses are made from; without a valid model there is no scorer."""

    settings: ServeSettings
    scorer: Scorer | None
    registration: ModelRegistration
    signature: dict[str, Any] | None
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
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(logs.log_unretrieved)
    loop.set_default_executor(ThreadPoolExecutor(MAX_THREADS, "waiting"))
    prepare_environment()
    async with AsyncExitStack() as stack:
        stack.callback(sentry.start(settings))
        database = connect(settings)
        if database is not None:
            stack.enter_context(closing(database.client))
        served = _load_valid_model(settings)
        scorer = _start_scorer(served, database, stack) if served else None
        if scorer:
            await _read_ahead(scorer, stack)
        stack.callback(spans.start(scorer.name if scorer else None))
        registration, bundle = (served.registration, served.signature) if served else (ModelRegistration(), None)
        metrics.READY.set(scorer is not None)
        pulls = PullRequestFetcher(settings)
        stack.callback(pulls.close)
        receiver = await stack.enter_async_context(webhook_lifespan(settings, scorer))
        _freeze_heap()
        yield Runtime(settings, scorer, registration, bundle, RecentFeedback(database), pulls, receiver)


def _load_valid_model(settings: ServeSettings) -> ServedModel | None:
    """Load the model; if it is not valid, or not signed as it must be, log why and return None."""
    try:
        signed = signature.check(settings.model_dir, settings)
        found = load_model(settings.model_dir)
    except SentinelError as error:
        logger.error(error.problem, extra={"error": type(error).__name__, "advice": error.advice})  # noqa: TRY400
        return None
    signer = signed.key_id if signed else "not verified" if found.signature else signature.UNSIGNED
    name = f"{found.registration.name}:{found.registration.version}"
    logger.info("model loaded", extra={"model": name, "digest": found.model.digest, "signed_by": signer})
    return found


def _start_scorer(served: ServedModel, database: Database[Document] | None, stack: AsyncExitStack) -> Scorer:
    """Start the scorer of a model."""
    model, registration, _ = served
    name = ModelName(name=registration.name, version=registration.version, digest=model.digest)
    data_hash = str(model.manifest.get("data_hash", ""))
    newest = model.manifest.get("data", {}).get("last")
    metrics.set_model_info(name, data_hash, model.alert_budget, newest)
    predictions = Predictions(database, name)
    writing = asyncio.create_task(predictions.run())
    stack.push_async_callback(predictions.stop, writing)
    thresholds = LiveThresholds(model, database, name.digest)
    return Scorer(model, name, Histories(database), predictions, thresholds)


async def _read_ahead(scorer: Scorer, stack: AsyncExitStack) -> None:
    """Begin to read what the first requests need, and wait for it briefly: a promoted pod gets all of them at once."""
    reading = asyncio.create_task(scorer.read_ahead())
    stack.push_async_callback(cancel, reading)
    await asyncio.wait([reading], timeout=READ_AHEAD_SECONDS)


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
        client = create_client(settings.mongo_uri, "pr-sentinel-serve", absence.TIMEOUT_MS)
    except ConfigurationError as error:
        logger.error(error.problem, extra={"advice": error.advice})  # noqa: TRY400
        return None
    return client[settings.mongo_db]


def load_model(folder: Path) -> ServedModel:
    """Load a model and check the hash of every file and the scores of its golden pull requests.

    Raises:
        DamagedArtefact: a check failed.
    """
    model = Model.load(folder)
    model.check_features(NAMES)
    golden.check(model)
    return ServedModel(model, _read_registration(folder), signature.read(folder))


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
