"""Results of the analyses on staging, and the objections that they raise to promoting an image. Pure functions."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from release.cluster import POD_HASH, Document, RolloutState
from steps.common.errors import DataError

PRE, POST = "PrePromotion", "PostPromotion"
KINDS = {PRE: "prePromotionAnalysis", POST: "postPromotionAnalysis"}
PASSED = "Successful"


class Analysis(NamedTuple):
    """One analysis of a revision: its phase in Argo's terms, overall and by metric.

    `commit` is the one that staging was synced to when this was read; empty if staging was not in sync.
    """

    kind: str
    name: str
    commit: str
    image: str
    phase: str
    metrics: dict[str, str]
    message: str = ""


def find_analyses(commit: str, serving: RolloutState, runs: Iterable[Document]) -> list[Analysis]:
    """Return the newest analysis of each kind for the revision that the Rollout currently asks for."""
    revision = serving.revision(serving.current)
    if revision is None:
        return []
    newest: dict[str, Document] = {}
    for run in sorted(runs, key=lambda run: str(run["metadata"]["creationTimestamp"])):
        labels = run["metadata"].get("labels", {})
        if labels.get(POD_HASH) == revision.pod_hash and labels.get("rollout-type") in KINDS:
            newest[labels["rollout-type"]] = run
    return [_read(kind, run, commit, revision.image) for kind, run in sorted(newest.items())]


def _read(kind: str, run: Document, commit: str, image: str) -> Analysis:
    status = run.get("status", {})
    metrics = {str(result["name"]): str(result["phase"]) for result in status.get("metricResults", [])}
    # A terminated analysis is reported as Successful, and so are its metrics.
    phase = "Terminated" if run.get("spec", {}).get("terminate") else str(status.get("phase") or "Pending")
    return Analysis(kind, run["metadata"]["name"], commit, image, phase, metrics, str(status.get("message") or ""))


def find_expected_metrics(rendered: Iterable[Document]) -> dict[str, set[str]]:
    """Return the metrics that each kind of analysis must have, from the rendered Rollout and AnalysisTemplates."""
    documents = list(rendered)
    templates = {one["metadata"]["name"]: one for one in documents if one["kind"] == "AnalysisTemplate"}
    strategies = [one["spec"]["strategy"].get("blueGreen", {}) for one in documents if one["kind"] == "Rollout"]
    wanted: dict[str, set[str]] = {kind: set() for kind in KINDS}
    for kind, field in KINDS.items():
        for strategy in strategies:
            for used in strategy.get(field, {}).get("templates", []):
                template = templates.get(used["templateName"], {"spec": {"metrics": []}})
                wanted[kind] |= {str(metric["name"]) for metric in template["spec"]["metrics"]}
    return wanted


def find_objections(analyses: Iterable[Analysis], commit: str, image: str, wanted: dict[str, set[str]]) -> list[str]:
    """Return the reasons why these analyses don't support promoting a commit and its image; empty if they do."""
    found = {analysis.kind: analysis for analysis in analyses}
    objections: list[str] = []
    for kind in KINDS:
        analysis = found.get(kind)
        if not wanted.get(kind):
            objections.append(f"{kind}: the Rollout defines no such analysis")
        elif analysis is None:
            objections.append(f"{kind}: no analysis")
        else:
            objections += [f"{kind}: {reason}" for reason in _find_objections(analysis, commit, image, wanted[kind])]
    return objections


def _find_objections(analysis: Analysis, commit: str, image: str, wanted: set[str]) -> Iterable[str]:
    if analysis.commit != commit:
        yield f"Argo CD has synced staging to {analysis.commit or 'no commit yet'}, but the branch is at {commit}"
    if analysis.image != image:
        yield f"it analysed another image, {analysis.image}"
    if analysis.phase != PASSED:
        yield f"it is {analysis.phase}{f' ({analysis.message})' if analysis.message else ''}"
    for metric in sorted(wanted):
        phase = analysis.metrics.get(metric)
        if phase != PASSED:
            yield f"{metric} is {phase}" if phase else f"{metric} was not measured"


def dump(analyses: Iterable[Analysis]) -> str:
    """Return analyses as JSON, which `load` reads."""
    return json.dumps([analysis._asdict() for analysis in analyses], indent=1)


def parse(found: Any) -> list[Analysis]:
    """Parse analyses from the decoded JSON of `dump`.

    Raises:
        DataError: the JSON has another form.
    """
    try:
        return [Analysis(**{**one, "metrics": dict(one["metrics"])}) for one in found]
    except (TypeError, KeyError, ValueError) as error:
        raise DataError(
            f"The analysis results can't be read: {error!r}.", advice="Run `python -m release analyses` again."
        ) from None


def load(path: Path) -> list[Analysis]:
    """Load analyses from a file.

    Raises:
        DataError: the file is missing or has another form.
    """
    try:
        return parse(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path} can't be read: {error}.", advice="Write it with `python -m release analyses`."
        ) from None
