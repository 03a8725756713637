"""Faults on demand, and counters of requests."""

import re
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

LIMITS = frozenset({"secondary", "secondary-429", "secondary-200", "primary", "primary-403"})
ERRORS: dict[str, dict[str, Any]] = {
    "unavailable": {"type": "SERVICE_UNAVAILABLE", "message": "Something went wrong while executing your query."},
    "internal": {"type": "INTERNAL", "message": "Something went wrong while executing your query."},
    "undefined-field": {
        "path": ["fragment PullRequestFields", "isDraft"],
        "extensions": {"code": "undefinedField", "typeName": "PullRequest", "fieldName": "isDraft"},
        "message": "Field 'isDraft' doesn't exist on type 'PullRequest'",
    },
}
"""Errors in responses to GraphQL queries, in GitHub's form."""
REFUSAL = re.compile(r"4\d\d .+")
"""A status and GitHub's words for it."""
NAMES = (
    LIMITS
    | ERRORS.keys()
    | {
        *("500", "502", "503", "504", "truncate", "drop", "garbage", "html", "null", "timeout"),
        "lost",  # the request is processed, but the response never comes
        "forbidden",  # the client lacks a permission
        "pass",  # no fault
    }
)


@dataclass
class Faults:
    """The faults of the next requests, in order, and settings for all requests."""

    next: deque[str] = field(default_factory=deque)
    latency_ms: float = 0
    retry_after: int = 1
    """Duration of a rate limit, in seconds."""
    heavy_above: int = 0
    """Pages larger than this time out, unless they leave files out; 0 for none."""
    held_until: float = 0
    held_by: str = ""
    stats: Counter[str] = field(default_factory=Counter)

    def take(self) -> str | None:
        """Return the fault of this request, which is the rate limit while one holds."""
        self.stats["requests"] += 1
        if time.monotonic() < self.held_until:
            self.stats["requests_during_retry_after"] += 1
            return self.held_by
        fault = self.next.popleft() if self.next else None
        if fault:
            self.stats[f"fault {fault}"] += 1
        if fault in LIMITS:
            self.held_until, self.held_by = time.monotonic() + self.retry_after, fault
        return fault

    def set(self, wanted: dict[str, Any]) -> None:
        """Apply the settings of a control request.

        Raises:
            ValueError: there is no such fault or setting.
        """
        for key, value in wanted.items():
            if key == "next":
                if unknown := {name for name in set(value) - NAMES if not REFUSAL.fullmatch(name)}:
                    raise ValueError(f"no such fault: {', '.join(sorted(unknown))}")
                self.next.extend(value)
            elif key in ("latency_ms", "retry_after", "heavy_above"):
                setattr(self, key, value)
            else:
                raise ValueError(f"no such setting: {key}")
