"""What the service has recorded of a pull request in MongoDB: its delivery, its prediction and its alert."""

import re
from typing import Any, NamedTuple

from bson import ObjectId
from pymongo.database import Database

from local.trace.line import Part, build_part
from steps.common.errors import DataError, NotFound
from steps.common.mongo import Document
from steps.common.repository_name import PATTERN, is_repository_name
from steps.serve.lookup import PULL_REQUEST_PATH
from steps.serve.webhooks.events import DELIVERY

PULL_REQUEST_URL = re.compile(rf"https?://[^/\s]+(?:/\S+?)?{PULL_REQUEST_PATH.pattern}", re.ASCII)
PULL_REQUEST_ID = re.compile(rf"({PATTERN})#([1-9]\d{{0,8}})", re.ASCII)
KEPT_DELIVERY = "There is no delivery: it was scored on request, or the delivery is older than 30 days."
KEPT_PREDICTION = "There is no prediction: it is not written yet, MongoDB was away, or it is older than 90 days."
DELIVERY_FACTS = {
    "id": KEPT_DELIVERY,
    "repository": KEPT_DELIVERY,
    "number": KEPT_DELIVERY,
    "action": KEPT_DELIVERY,
    "received_at": KEPT_DELIVERY,
    "state": KEPT_DELIVERY,
    "attempts": KEPT_DELIVERY,
    "outcome": "It has not ended, or it has failed.",
    "head_sha": "It did not lead to a score.",
}
PREDICTION_FACTS = dict.fromkeys(
    ("id", "scored_at", "score", "threshold", "level", "unusual", "history", "route", "version", "digest"),
    KEPT_PREDICTION,
)
REASONS = "Reasons are recorded with deliveries alone, and no delivery has this result."
ALERT_FACTS = ("mode", "place", "unusual")
NO_ALERT = "No alert: nothing was posted for it, or the alert is older than 60 days."
NO_FACT = "The alert does not record it."


class Records(NamedTuple):
    """The delivery and the prediction of a pull request, where there are any."""

    delivery: Document | None
    prediction: Document | None

    @property
    def pull_request(self) -> tuple[str, int]:
        """The repository, as the service's records spell it, and the number."""
        found = self.prediction or self.delivery or {}
        return str(found["repository"]), int(found["number"])


def find_records(database: Database[Document], question: str) -> Records:
    """Find what is recorded of a pull request, by its URL, `owner/name#1`, a delivery's id or a prediction's.

    Raises:
        DataError: it is neither a pull request nor an id.
        NotFound: nothing is recorded.
    """
    match = PULL_REQUEST_URL.fullmatch(question) or PULL_REQUEST_ID.fullmatch(question)
    if match and is_repository_name(match[1]):
        return _require(_find_of_pull_request(database, match[1], int(match[2])), question)
    if DELIVERY.fullmatch(question) is None:
        raise DataError(
            f"{question!r} is neither a pull request nor an id.",
            advice="Use its URL, owner/name#1, the id of a delivery, or the id of a prediction.",
        )
    if ObjectId.is_valid(question):
        prediction = database.predictions.find_one({"_id": ObjectId(question)})
        if prediction is not None:
            return Records(_find_delivery(database, prediction), prediction)
    delivery = database.deliveries.find_one({"_id": question})
    return _require(Records(delivery, _find_prediction(database, delivery)), question)


def describe(database: Database[Document], records: Records, names: list[str] | None) -> list[Part]:
    """Describe the delivery, the alert, the prediction and its reasons.

    Args:
        database: the service's database.
        records: what was found.
        names: the names of the features, in the order of their values; None if they are not known.
    """
    delivery, prediction = records.delivery, records.prediction
    result = (delivery or {}).get("result", {})
    own = None if delivery is None else {**delivery, "id": delivery["_id"], "head_sha": result.get("head_sha")}
    problem = (delivery or {}).get("problem")
    wanted = DELIVERY_FACTS | ({"outcome": f"It waits or has failed: {problem}"} if problem else {})
    alert = _find_alert(database, records)
    scored = None if prediction is None else prediction | {"id": str(prediction["_id"])} | prediction["model"]
    return [
        build_part("delivery", wanted, own),
        build_part("alert", dict.fromkeys(ALERT_FACTS, NO_FACT if alert else NO_ALERT), alert),
        build_part("prediction", PREDICTION_FACTS, scored),
        build_part(
            "reasons",
            {"reasons": REASONS, "features": KEPT_PREDICTION if prediction is None else "Their names are not known."},
            {"reasons": result.get("reasons"), "features": _name_features(prediction, names)},
        ),
    ]


def _name_features(prediction: Document | None, names: list[str] | None) -> dict[str, float] | None:
    values = (prediction or {}).get("features", [])
    return dict(zip(names, values, strict=True)) if names and len(names) == len(values) else None


def _require(found: Records, question: str) -> Records:
    if found == Records(None, None):
        raise NotFound(
            f"Nothing is recorded of {question}.",
            advice="Deliveries are kept for 30 days, predictions for 90; check --state or MONGO_URI and MONGO_DB.",
        )
    return found


def _find_of_pull_request(database: Database[Document], repository: str, number: int) -> Records:
    """Find the latest prediction of a pull request with its delivery, or else its latest delivery."""
    # GitHub ignores the case of names.
    own = {"repository": {"$regex": f"^{re.escape(repository)}$", "$options": "i"}, "number": number}
    prediction = database.predictions.find_one(own, sort=[("scored_at", -1)])
    if prediction is not None:
        return Records(_find_delivery(database, prediction), prediction)
    return Records(database.deliveries.find_one(own, sort=[("received_at", -1)]), None)


def _find_delivery(database: Database[Document], prediction: Document) -> Document | None:
    """Find the delivery whose result a prediction is."""
    same = {f"result.{name}": prediction[name] for name in ("repository", "number", "score")}
    same |= {"result.model": prediction["model"]["version"], "finished_at": {"$gte": prediction["scored_at"]}}
    return database.deliveries.find_one(same, sort=[("finished_at", 1)])


def _find_prediction(database: Database[Document], delivery: Document | None) -> Document | None:
    """Find the prediction that a delivery led to."""
    result = (delivery or {}).get("result")
    if delivery is None or not result:
        return None
    same: dict[str, Any] = {name: result[name] for name in ("repository", "number", "score")}
    same |= {"model.version": result["model"], "scored_at": {"$lte": delivery["finished_at"]}}
    return database.predictions.find_one(same, sort=[("scored_at", -1)])


def _find_alert(database: Database[Document], records: Records) -> Document | None:
    repository, number = records.pull_request
    week = database.alerts.find_one({"repository": repository, "alerts.number": number}, sort=[("created_at", -1)])
    return next((one for one in week["alerts"] if one["number"] == number), None) if week else None
