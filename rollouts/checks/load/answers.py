"""Whether an answer of `/score` is the right one for what was sent."""

import json
import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

LEVELS = ("standard", "unusual", "high")
NUMBERS = ("score", "percentile", "threshold")


class Failed(Exception):
    """No answer, or an error."""


class WrongModel(Exception):
    """An answer from another model than the one expected."""


class WrongAnswer(Exception):
    """An answer that isn't what the service promises."""


def check(ids: Sequence[str], status: int, headers: Mapping[str, str], body: bytes, digest: str) -> None:
    """Look at an answer to pull requests with these ids.

    Raises:
        Failed: the status isn't 200; 0 stands for no answer.
        WrongModel: header or body name another digest.
        WrongAnswer: it isn't JSON, or a result is missing, of another pull request, or not whole.
    """
    if status != HTTPStatus.OK:
        raise Failed(f"HTTP {status}" if status else "no answer")
    try:
        answer = json.loads(body)
        named, results = answer["model"]["digest"], answer["results"]
    except (ValueError, TypeError, KeyError):
        raise WrongAnswer("no JSON with a model and results") from None
    for place, found in (("header", headers.get("X-Model-Digest")), ("body", named)):
        if found != digest:
            raise WrongModel(f"the {place} names {str(found)[:12]} instead of {digest[:12]}")
    if not isinstance(results, list) or len(results) != len(ids):
        raise WrongAnswer("not as many results as pull requests")
    for wanted, result in zip(ids, results, strict=True):
        _check_result(wanted, result)


def _check_result(wanted: str, result: Any) -> None:
    if not isinstance(result, dict) or result.get("id") != wanted:
        raise WrongAnswer("a result of another pull request")
    for name in NUMBERS:
        if not _finite(result.get(name)):
            raise WrongAnswer(f"{name} is not a finite number")
    if result.get("level") not in LEVELS or result.get("unusual") != (result["level"] != LEVELS[0]):
        raise WrongAnswer("level and unusual don't fit")
    reasons = result.get("reasons")
    if not isinstance(reasons, list) or not all(isinstance(reason, str) and reason for reason in reasons):
        raise WrongAnswer("reasons are missing")


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
