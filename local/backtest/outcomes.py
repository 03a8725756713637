"""The known outcomes of pull requests, as precision is stated by them: never merged, reverted, locked as spam."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

from local.shares import Share

Outcome = Literal["merged", "never merged", "reverted", "spam"]
UNWANTED: Mapping[Outcome, str] = {
    "never merged": "closed without being merged",
    "reverted": "merged and reverted later",
    "spam": "locked as spam",
}
"""Outcomes of pull requests that somebody did not want, in words."""


class OutcomeCounts(NamedTuple):
    """How many pull requests came to which end; open ones don't count."""

    counts: Mapping[Outcome, int]

    @property
    def unwanted(self) -> Share:
        """The share that nobody wanted in the end."""
        return Share(sum(self.counts.get(outcome, 0) for outcome in UNWANTED), sum(self.counts.values()))

    @property
    def words(self) -> str:
        """Name the unwanted ones: `17 closed without being merged, 2 locked as spam`."""
        named = [f"{self.counts[one]:,} {words}" for one, words in UNWANTED.items() if self.counts.get(one)]
        return ", ".join(named) or "none"


def decide_outcome(document: Mapping[str, Any], *, is_reverted: bool) -> Outcome | None:
    """Return how a pull request ended, from its document; None if it is open."""
    if document.get("active_lock_reason") == "spam":
        return "spam"
    if document.get("merged_at"):
        return "reverted" if is_reverted else "merged"
    return "never merged" if document.get("closed_at") else None


def decide_outcomes(
    documents: Mapping[int, Mapping[str, Any]], reverted_by: Mapping[int, Iterable[int]]
) -> dict[int, Outcome]:
    """Return the outcomes of pull requests by number; those that are open or have no document are left out.

    Args:
        documents: by number, also of those that revert.
        reverted_by: the numbers of the pull requests that claim to revert each; only merged ones do.
    """
    found = {}
    for number, document in documents.items():
        reverting = (documents.get(other, {}) for other in reverted_by.get(number, ()))
        if outcome := decide_outcome(document, is_reverted=any(other.get("merged_at") for other in reverting)):
            found[number] = outcome
    return found


def count_outcomes(outcomes: Iterable[Outcome | None]) -> OutcomeCounts:
    """Count outcomes; None is not known."""
    return OutcomeCounts(Counter(outcome for outcome in outcomes if outcome is not None))
