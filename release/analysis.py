"""What the analyses on staging said, and whether that is enough to promote an image. Pure: documents in, words out."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from release.cluster import POD_HASH, Document, Serving
from steps.common.errors import DataError

PRE, POST = "PrePromotion", "PostPromotion"
KINDS = {PRE: "prePromotionAnalysis", POST: "postPromotionAnalysis"}
PASSED = "Successful"


class Analysis(NamedTuple):
    """One analysis of a revision: Argo's word for how it ended, as a whole and by metric.

    `commit` is the one that staging agreed with when this was asked; empty where it was about to change.
    """

    kind: str
    name: str
    commit: str
    image: str
    phase: str
    metrics: dict[str, str]
    message: str = ""


def of_revision(commit: str, serving: Serving, runs: Iterable[Document]) -> list[Analysis]:
    """The newest analysis of each kind, of the revision that the Rollout asks for now, by a commit."""
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
    # One that somebody, or another revision, has ended before its end says Successful, and so do its metrics.
    phase = "Terminated" if run.get("spec", {}).get("terminate") else str(status.get("phase") or "Pending")
    return Analysis(kind, run["metadata"]["name"], commit, image, phase, metrics, str(status.get("message") or ""))


def expected(rendered: Iterable[Document]) -> dict[str, set[str]]:
    """The metrics that each kind of analysis must have, by the Rollout and the templates that a tree renders to."""
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


def objections(analyses: Iterable[Analysis], commit: str, image: str, wanted: dict[str, set[str]]) -> list[str]:
    """Why these analyses don't speak for a commit and its image; nothing if they do."""
    found = {analysis.kind: analysis for analysis in analyses}
    said: list[str] = []
    for kind in KINDS:
        analysis = found.get(kind)
        if not wanted.get(kind):
            said.append(f"{kind}: the Rollout asks for no such analysis")
        elif analysis is None:
            said.append(f"{kind}: no analysis")
        else:
            said += [f"{kind}: {reason}" for reason in _objections(analysis, commit, image, wanted[kind])]
    return said


def _objections(analysis: Analysis, commit: str, image: str, wanted: set[str]) -> Iterable[str]:
    if analysis.commit != commit:
        yield f"Argo CD has staging at {analysis.commit or 'no commit yet'}, and the branch stands at {commit}"
    if analysis.image != image:
        yield f"it is of another image, {analysis.image}"
    if analysis.phase != PASSED:
        yield f"it is {analysis.phase}{f' ({analysis.message})' if analysis.message else ''}"
    for metric in sorted(wanted):
        phase = analysis.metrics.get(metric)
        if phase != PASSED:
            yield f"{metric} is {phase}" if phase else f"{metric} was not measured"


def written(analyses: Iterable[Analysis]) -> str:
    """Analyses as JSON, which `load` reads."""
    return json.dumps([analysis._asdict() for analysis in analyses], indent=1)


def parsed(found: Any) -> list[Analysis]:
    """Analyses from the JSON that `written` writes.

    Raises:
        DataError: it is something else.
    """
    try:
        return [Analysis(**{**one, "metrics": dict(one["metrics"])}) for one in found]
    except (TypeError, KeyError, ValueError) as error:
        raise DataError(f"Results of analyses that can't be read: {error!r}.", advice="Take them anew.") from None


def load(path: Path) -> list[Analysis]:
    """Analyses from a file.

    Raises:
        DataError: there is none, or it holds something else.
    """
    try:
        return parsed(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} can't be read: {error}.", advice="Write it with: python -m release analyses") from None
