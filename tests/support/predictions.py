"""A prediction as the service writes it, in the state of a run on the samples."""

from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr

from local.services import embedded
from steps.common.mongo import open_database
from steps.common.settings import MongoSettings
from steps.scoring.features import NAMES

PULL_REQUEST = "example/docs#299"
"""One that no other test has scored in the state of all."""


def insert_prediction(state: Path, digest: str) -> None:
    """Insert what the service writes for a score on request."""
    with embedded.mongo(state) as uri, open_database(MongoSettings(mongo_uri=SecretStr(uri))) as database:
        database.predictions.insert_one(
            {
                "id": PULL_REQUEST,
                "repository": "example/docs",
                "number": int(PULL_REQUEST.partition("#")[2]),
                "scored_at": datetime.now(UTC),  # an older one may expire
                "score": 3.5,
                "threshold": 2.5,
                "level": "unusual",
                "unusual": True,
                "history": "repository",
                "features": [float(place) for place in range(len(NAMES))],
                "model": {"version": "1", "digest": digest},
                "route": "/score",
            }
        )
