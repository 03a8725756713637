"""How long everything is kept that grows: the one place of all ages and counts.

MongoDB deletes documents by itself; what else would go, `pr-sentinel retention` lists, and nothing deletes it.
"""

from collections.abc import Collection, Sequence

DAY_SECONDS = 24 * 3_600
COLLECTIONS: dict[str, tuple[str, int]] = {
    "predictions": ("scored_at", 90),
    "deliveries": ("received_at", 30),
    "alerts": ("created_at", 60),
    "policies": ("checked_at", 30),
    "feedback": ("announced_at", 400),
    "openings": ("kept_at", 2),
    "webhook_repositories": ("delivered_at", 30),
}
"""Collections of MongoDB: the field that a document's age counts from, and the days that it is kept."""
DRIFT_REPORT_DAYS = 90
MAX_UNUSED_DATASETS = 3
"""Datasets that no registered version, and no history, refers to; the newest are kept."""
MAX_BENTOS = 10
"""Bentos of former champions; the newest are kept, and the champion's."""
MAX_LOCAL_RUNS = 20
"""Folders with the logs of runs on one machine; the newest are kept."""


def count_kept_seconds(collection: str) -> int:
    """Return the seconds for which a collection's documents are kept."""
    return COLLECTIONS[collection][1] * DAY_SECONDS


def select_expired(names: Sequence[str], used: Collection[str], most: int) -> list[str]:
    """Select what would go of things in order of age, oldest first: not what is used, and not the newest others."""
    unused = [name for name in names if name not in used]
    return unused[: max(len(unused) - most, 0)]
