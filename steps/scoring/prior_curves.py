"""Curves."""

CURVES: dict[str, tuple[str, str, float]] = {}
