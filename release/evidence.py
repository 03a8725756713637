"""What speaks for a promotion: for people as Markdown, for the check that follows as JSON in a comment of it."""

import json
from collections.abc import Mapping
from typing import NamedTuple

from release import analysis
from release.analysis import Analysis
from release.images import Model, Release
from steps.common.errors import DataError

BEGIN, END = "<!-- evidence", "-->"
LONGEST_DIFFERENCE = 40_000
"""Characters; GitHub takes some 65,000 in all."""


class Evidence(NamedTuple):
    """The commit and tree that staging ran, its release, and what the analyses of it said."""

    commit: str
    tree: str
    release: Release
    analyses: list[Analysis]


class Card(NamedTuple):
    """What the registry tells of a version: where its run is, and its figures by name."""

    version: str
    run_id: str
    told: Mapping[str, str]


def markdown(
    evidence: Evidence,
    before: Release,
    cards: tuple[Card | None, Card | None],
    difference: str,
    repository: str,
) -> str:
    """The pull request's text.

    Args:
        evidence: what is to be promoted.
        before: the release that production has.
        cards: the new model's and production's model's, where the registry was asked and knows them.
        difference: of the builds that production's cluster gets, in lines.
        repository: owner/name, whose attestations are linked.
    """
    parts = [
        f"Promotes what staging ran at {evidence.commit}. Merge it as a merge commit; the check `verify` compares.",
        "### Images",
        _images(evidence.release, before, repository),
        "### Model",
        _model(evidence.release.model, before.model, cards),
        "### Analyses on staging",
        _analyses(evidence.analyses),
        "### What the cluster will change",
        _difference(difference),
        _machine(evidence),
    ]
    return "\n\n".join(parts)


def parsed(text: str) -> Evidence:
    """The evidence in a pull request's text.

    Raises:
        DataError: there is none, or it can't be read.
    """
    _, begun, rest = text.rpartition(BEGIN)
    content, ended, _ = rest.partition(END)
    if not begun or not ended:
        raise DataError("The pull request holds no evidence.", advice="Open it with: make promote")
    try:
        found = json.loads(content)
        release = Release(dict(found["images"]), Model(**found["model"]))
        return Evidence(str(found["commit"]), str(found["tree"]), release, analysis.parsed(found["analyses"]))
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"The evidence can't be read: {error!r}.", advice="Write it anew: make promote") from None


def _machine(evidence: Evidence) -> str:
    content = {
        "commit": evidence.commit,
        "tree": evidence.tree,
        "images": evidence.release.images,
        "model": evidence.release.model._asdict(),
        "analyses": [one._asdict() for one in evidence.analyses],
    }
    # No text in it may end the comment.
    told = json.dumps(content, indent=1).replace("--", "-\\u002d")
    return f"{BEGIN}\n{told}\n{END}"


def _images(release: Release, before: Release, repository: str) -> str:
    rows = [
        f"| {name} | `{before.digest(name) or 'none'}` | `{release.digest(name)}` |"
        for name in release.images
        if before.images.get(name) != release.images[name]
    ]
    how = (
        f"Signatures, SBOMs and provenance: [attestations](https://github.com/{repository}/attestations), "
        f"or `gh attestation verify oci://IMAGE@DIGEST --repo {repository}`."
    )
    return _table("| image | now | then |", rows, "No image changes.") + f"\n\n{how}"


def _model(model: Model, before: Model, cards: tuple[Card | None, Card | None]) -> str:
    said = f"Version {model.version} (`{model.digest}`) in the place of {before.version} (`{before.digest}`)."
    new, old = cards
    if new is None:
        return f"{said} The registry was not asked."
    names = sorted({*new.told, *(old.told if old else {})})
    rows = [f"| {name} | {old.told.get(name, '') if old else ''} | {new.told.get(name, '')} |" for name in names]
    return f"{said} Its run is `{new.run_id}`.\n\n" + _table(
        "| card | now | then |", rows, "The registry tells nothing."
    )


def _analyses(analyses: list[Analysis]) -> str:
    rows = []
    for one in analyses:
        metrics = ", ".join(f"{name}: {phase}" for name, phase in sorted(one.metrics.items()))
        rows.append(f"| {one.kind} | `{one.name}` | {one.phase} | {metrics} |")
    return _table("| kind | run | result | metrics |", rows, "There are none.")


def _table(head: str, rows: list[str], empty: str) -> str:
    return "\n".join([head, "|---" * (head.count("|") - 1) + "|", *rows]) if rows else empty


def _difference(text: str) -> str:
    if not text:
        return "Nothing."
    cut = text[:LONGEST_DIFFERENCE]
    more = "" if cut == text else f"\n\n{len(text) - len(cut)} characters more."
    fence = "`" * 6
    return f"<details>\n\n{fence}diff\n{cut}\n{fence}{more}\n\n</details>"
