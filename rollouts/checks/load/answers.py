"""The check of an answer of `/score` against the request."""

import json
import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

LEVELS = ("standard", "unusual", "high")
NUMBERS = ("score", "percentile", "threshold")


class RequestFailed(Exception):
    """The request got no answer or an error."""


class WrongModel(Exception):
    """Another model than the expected one answered."""


class WrongAnswer(Exception):
    """The answer breaks the service's contract."""


def check(ids: Sequence[str], status: int, headers: Mapping[str, str], body: bytes, digest: str) -> None:
    """Check an answer to pull requests with these ids.

    Raises:
        RequestFailed: the status is not 200; 0 stands for no answer.
        WrongModel: the header or the body names another digest.
        WrongAnswer: it is not valid JSON, or a result is missing, incomplete or for another pull request.
    """
    if status != HTTPStatus.OK:
        raise RequestFailed(f"HTTP {status}" if status else "no answer")
    try:
        answer = json.loads(body)
        named, results = answer["model"]["digest"], answer["results"]
    except (ValueError, TypeError, KeyError):
        raise WrongAnswer("not JSON with a model and results") from None
    for place, found in (("header", headers.get("X-Model-Digest")), ("body", named)):
        if found != digest:
            raise WrongModel(f"the {place} names {str(found)[:12]} instead of {digest[:12]}")
    if not isinstance(results, list) or len(results) != len(ids):
        raise WrongAnswer("the number of results differs from the number of pull requests")
    for wanted, result in zip(ids, results, strict=True):
        _check_result(wanted, result)


def _check_result(wanted: str, result: Any) -> None:
    if not isinstance(result, dict) or result.get("id") != wanted:
        raise WrongAnswer("a result is for another pull request")
    for name in NUMBERS:
        if not _is_finite(result.get(name)):
            raise WrongAnswer(f"{name} is not a finite number")
    if result.get("level") not in LEVELS or result.get("unusual") != (result["level"] != LEVELS[0]):
        raise WrongAnswer("level and unusual do not match")
    reasons = result.get("reasons")
    if not isinstance(reasons, list) or not all(isinstance(reason, str) and reason for reason in reasons):
        raise WrongAnswer("reasons are missing")


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
