"""What a model's manifest says of it, for people: what it learned from, and how well it does beside others."""

from collections.abc import Mapping
from typing import Any

from steps.common.dataset import Manifest

DECIMALS = 6
SPLITS = ("train", "validation", "test")


def card(dataset: Manifest, measured: dict[str, Any]) -> dict[str, Any]:
    """The manifest's parts on data and quality, which the gate compares with what it measures itself.

    They are `data`, `metrics` and `held_out` (of each detector, on all kinds of injected anomalies and on those that no
    choice sees; empty if there are none), `reasons` (how many statements about rarity were checked, and held),
    `alert_budget`, `flagged_share` and `flagged_by_repository`.

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
        "metrics": _round(measured["injected"]["all"]),
        "held_out": _round(measured["held_out"].get("all", {})),
        "reasons": measured["reasons"],
        "alert_budget": measured["alert_budget"],
        "flagged_share": round(measured["flagged_share"], DECIMALS),
        "flagged_by_repository": _round(measured["flagged_by_repository"]),
    }


def _round(figures: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    return {name: {key: round(value, DECIMALS) for key, value in own.items()} for name, own in figures.items()}
