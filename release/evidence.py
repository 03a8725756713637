"""The evidence for a promotion: Markdown for people, and JSON in a comment for the check that verifies it."""

import json
from collections.abc import Mapping
from typing import NamedTuple

from release import analysis
from release.analysis import Analysis
from release.images import Release, ReleasedModel
from steps.common.errors import DataError

BEGIN, END = "<!-- evidence", "-->"
MAX_DIFFERENCE_LENGTH = 40_000
"""Characters; GitHub accepts about 65,000 in a body."""


class PromotionEvidence(NamedTuple):
    """The commit and tree that staging ran, its release, and the results of its analyses."""

    commit: str
    tree: str
    release: Release
    analyses: list[Analysis]


class VersionCard(NamedTuple):
    """The registry's facts about a model version: its run, and its tags by name."""

    version: str
    run_id: str
    facts: Mapping[str, str]


def render_markdown(
    evidence: PromotionEvidence,
    before: Release,
    cards: tuple[VersionCard | None, VersionCard | None],
    difference: str,
    repository: str,
) -> str:
    """Render the body of the promotion pull request.

    Args:
        evidence: what is to be promoted.
        before: the release that production has.
        cards: the cards of the new model and of production's model, if the registry was available and knows them.
        difference: a diff of what production's cluster gets.
        repository: owner/name, for links to its attestations.
    """
    parts = [
        f"Promotes what staging ran at {evidence.commit}. Use a merge commit; the check `verify` compares the trees.",
        "### Images",
        _format_images(evidence.release, before, repository),
        "### Model",
        _format_model(evidence.release.model, before.model, cards),
        "### Analyses on staging",
        _format_analyses(evidence.analyses),
        "### What the cluster will change",
        _format_difference(difference),
        _machine_readable(evidence),
    ]
    return "\n\n".join(parts)


def parse(text: str) -> PromotionEvidence:
    """Parse the evidence from the body of a pull request.

    Raises:
        DataError: there is no evidence, or it can't be read.
    """
    _, begun, rest = text.rpartition(BEGIN)
    content, ended, _ = rest.partition(END)
    if not begun or not ended:
        raise DataError("The pull request contains no evidence.", advice="Open it with `make promote`.")
    try:
        found = json.loads(content)
        release = Release(dict(found["images"]), ReleasedModel(**found["model"]))
        return PromotionEvidence(str(found["commit"]), str(found["tree"]), release, analysis.parse(found["analyses"]))
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"The evidence can't be read: {error!r}.", advice="Run `make promote` again.") from None


def _machine_readable(evidence: PromotionEvidence) -> str:
    content = {
        "commit": evidence.commit,
        "tree": evidence.tree,
        "images": evidence.release.images,
        "model": evidence.release.model._asdict(),
        "analyses": [one._asdict() for one in evidence.analyses],
    }
    # Escaped so that no text in it can end the comment.
    text = json.dumps(content, indent=1).replace("--", "-\\u002d")
    return f"{BEGIN}\n{text}\n{END}"


def _format_images(release: Release, before: Release, repository: str) -> str:
    rows = [
        f"| {name} | `{before.digest(name) or 'none'}` | `{release.digest(name)}` |"
        for name in release.images
        if before.images.get(name) != release.images[name]
    ]
    how = (
        f"Signatures, SBOMs and provenance: [attestations](https://github.com/{repository}/attestations), "
        f"or `gh attestation verify oci://IMAGE@DIGEST --repo {repository}`."
    )
    return _format_table("| image | now | then |", rows, "No image changes.") + f"\n\n{how}"


def _format_model(
    model: ReleasedModel, before: ReleasedModel, cards: tuple[VersionCard | None, VersionCard | None]
) -> str:
    summary = f"Version {model.version} (`{model.digest}`) replaces version {before.version} (`{before.digest}`)."
    new, old = cards
    if new is None:
        return f"{summary} The registry was not queried."
    names = sorted({*new.facts, *(old.facts if old else {})})
    rows = [f"| {name} | {old.facts.get(name, '') if old else ''} | {new.facts.get(name, '')} |" for name in names]
    return f"{summary} Its run is `{new.run_id}`.\n\n" + _format_table(
        "| tag | now | then |", rows, "The registry has no tags for it."
    )


def _format_analyses(analyses: list[Analysis]) -> str:
    rows = []
    for one in analyses:
        metrics = ", ".join(f"{name}: {phase}" for name, phase in sorted(one.metrics.items()))
        rows.append(f"| {one.kind} | `{one.name}` | {one.phase} | {metrics} |")
    return _format_table("| kind | run | result | metrics |", rows, "No analyses.")


def _format_table(head: str, rows: list[str], empty: str) -> str:
    return "\n".join([head, "|---" * (head.count("|") - 1) + "|", *rows]) if rows else empty


def _format_difference(text: str) -> str:
    if not text:
        return "No changes."
    cut = text[:MAX_DIFFERENCE_LENGTH]
    more = "" if cut == text else f"\n\n{len(text) - len(cut)} characters more."
    fence = "`" * 6
    return f"<details>\n\n{fence}diff\n{cut}\n{fence}{more}\n\n</details>"
