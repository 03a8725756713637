"""What a model's manifest says of it, for people: what it learned from, and how well it does beside others."""

from typing import Any

from steps.common.dataset import Manifest

DECIMALS = 6
SPLITS = ("train", "validation", "test")


def card(dataset: Manifest, measured: dict[str, Any]) -> dict[str, Any]:
    """The manifest's parts `data`, `metrics` (of each detector, on all planted kinds), `alert_budget`, `flagged_share`.

    Args:
        dataset: what the model was trained and measured on.
        measured: what `evaluation.evaluate` found.
    """
    shares = dataset.repositories
    return {
        "data": {
            "repositories": sorted(shares),
            "pull_requests": sum(share.rows for share in shares.values()),
            "first": min(share.first for share in shares.values()).isoformat(),
            "last": max(share.last for share in shares.values()).isoformat(),
            "rows": {split: dataset.splits[split] for split in SPLITS},
        },
        "metrics": {
            detector: {name: round(value, DECIMALS) for name, value in figures.items()}
            for detector, figures in measured["injected"]["all"].items()
        },
        "alert_budget": measured["alert_budget"],
        "flagged_share": round(measured["flagged_share"], DECIMALS),
    }
