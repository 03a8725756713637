"""Analyses that don't support a promotion: each way in which one may be wrong, and the objection to it."""

from collections.abc import Callable
from typing import Any

from release.analysis import Analysis
from release.images import SERVE
from tests.support.releases import digest

Change = Callable[[list[Analysis]], list[Analysis]]


def without(kind: str) -> Change:
    return lambda analyses: [one for one in analyses if one.kind != kind]


def changed(kind: str, **fields: Any) -> Change:
    return lambda analyses: [one._replace(**fields) if one.kind == kind else one for one in analyses]


def unmeasured(kind: str) -> Change:
    return lambda analyses: [
        one._replace(metrics=dict(list(one.metrics.items())[1:])) if one.kind == kind else one for one in analyses
    ]


def failing(kind: str, phase: str) -> Change:
    """As a whole passed, but one metric was not."""
    return lambda analyses: [
        one._replace(metrics=one.metrics | {min(one.metrics): phase}) if one.kind == kind else one for one in analyses
    ]


WRONG: dict[str, tuple[Callable[[str], Change], str]] = {
    "missing": (without, "no analysis"),
    "failed": (lambda kind: changed(kind, phase="Failed"), "it is Failed"),
    "inconclusive": (lambda kind: changed(kind, phase="Inconclusive"), "it is Inconclusive"),
    "error": (lambda kind: changed(kind, phase="Error"), "it is Error"),
    "running": (lambda kind: changed(kind, phase="Running"), "it is Running"),
    "before Argo CD has synchronised": (lambda kind: changed(kind, commit="f" * 40), f"staging to {'f' * 40}, but"),
    "while it synchronises": (lambda kind: changed(kind, commit=""), "staging to no commit yet, but"),
    "of another digest": (
        lambda kind: changed(kind, image=f"registry.example/{SERVE}@{digest(1)}"),
        f"it analysed another image, registry.example/{SERVE}@{digest(1)}",
    ),
    "of another repository": (
        lambda kind: changed(kind, image=f"other.example/{SERVE}@{digest(2)}"),
        "it analysed another image, other.example",
    ),
    "by a tag": (lambda kind: changed(kind, image=f"registry.example/{SERVE}:2"), "it analysed another image"),
    "without metrics": (lambda kind: changed(kind, metrics={}), "was not measured"),
    "one metric short": (unmeasured, "was not measured"),
    "one metric failed": (lambda kind: failing(kind, "Failed"), "is Failed"),
    "one metric inconclusive": (lambda kind: failing(kind, "Inconclusive"), "is Inconclusive"),
}
