"""The `trace` command: finds the line behind a pull request's result and prints it."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from rich.console import Console

from local.services import embedded
from local.trace import lineage, records
from local.trace.line import Part, Trace
from local.untrusted import one_line
from steps.common.mongo import open_database
from steps.common.settings import MongoSettings, StoreSettings, TrackingSettings
from steps.common.store import open_store

MAX_FEATURES = 8
"""Features in the terminal, the largest first; `--json` has all of them."""


def run(question: str, state: Path, console: Console, as_json: bool) -> None:
    """Print the trace.

    Raises:
        DataError: the question is neither a pull request nor an id.
        NotFound: nothing is recorded of it.
        Unavailable: MongoDB does not respond.
    """
    with embedded.data_services(state) as settings:
        found = find_trace(question.strip(), settings, state)
    if as_json:
        console.print_json(json.dumps(found.to_json(), default=_encode))
        return
    for part in found.parts:
        show(part, console)
    count = sum(len(part.missing) for part in found.parts)
    console.print(f"{count} facts are missing." if count else "Nothing is missing.")


def find_trace(question: str, settings: Mapping[str, str], state: Path) -> Trace:
    """Find the line from a delivery or a prediction to the code.

    Args:
        question: the URL of a pull request, `owner/name#1`, the id of a delivery or of a prediction.
        settings: the locations of MongoDB, MLflow and the store.
        state: the folder of this machine's runs.

    Raises:
        DataError: the question is neither a pull request nor an id.
        NotFound: nothing is recorded of it.
        Unavailable: MongoDB does not respond.
    """
    mongo = MongoSettings(mongo_uri=SecretStr(settings["MONGO_URI"]), mongo_db=settings["MONGO_DB"])
    places = StoreSettings(store_url=settings["STORE_URL"])
    with open_database(mongo) as database:
        found = records.find_records(database, question)
        number, digest = _name_model(found)
        origin = lineage.find_origin(number, TrackingSettings(mlflow_uri=settings["MLFLOW_URI"]), places)
        names = origin.manifest.features if origin.manifest else None
        own = records.describe(database, found, names)
    return Trace(question, [*own, *lineage.describe(origin, digest, state, open_store(places))])


def show(part: Part, console: Console) -> None:
    """Print one part, what is missing after what is known."""
    console.print(part.name, style="bold")
    for name, value in part.facts.items():
        console.print(f"  {name}: {format_fact(value)}", markup=False, soft_wrap=True)
    for why in dict.fromkeys(part.missing.values()):
        names = ", ".join(name for name, reason in part.missing.items() if reason == why)
        console.print(f"  {names}: missing. {one_line(why)}", style="yellow", markup=False, soft_wrap=True)


def format_fact(value: Any) -> str:
    """Format a fact on one line."""
    if isinstance(value, dict):
        numbers = all(isinstance(one, float) for one in value.values())
        entries = sorted(value.items(), key=lambda one: -abs(one[1])) if numbers else list(value.items())
        shown = ", ".join(f"{one_line(name)} {format_fact(one)}" for name, one in entries[:MAX_FEATURES])
        more = len(entries) - MAX_FEATURES
        return f"{shown}, and {more} more" if more > 0 else shown
    if isinstance(value, list):
        return "; ".join(format_fact(one) for one in value) or "none"
    return f"{value:.4g}" if isinstance(value, float) else one_line(value if value is not False else "False")


def _encode(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _name_model(found: records.Records) -> tuple[str | None, str | None]:
    """Return the version and the digest of the model that gave the result, as far as they are recorded."""
    if found.prediction is not None:
        model = found.prediction["model"]
        return str(model["version"]), str(model["digest"])
    result = (found.delivery or {}).get("result") or {}
    return result.get("model"), None
