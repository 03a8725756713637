"""From staging to main: the pull request with its evidence, and the check that lets it be merged."""

from collections.abc import Callable
from typing import NamedTuple

from github.PullRequest import PullRequest

from release import analysis, evidence, rendering
from release.analysis import Analysis
from release.evidence import Card, Evidence
from release.git import PRODUCTION, STAGING, Clone
from release.github import Hub
from release.images import SERVE, UNRELEASED, Release
from steps.common.errors import DataError

Cards = Callable[[str], Card | None]


class Refused(DataError):
    """A promotion that must not be."""


class Merge(NamedTuple):
    """What Git says of a promotion.

    The commit and tree of staging, the tree that main would have, the release, and which metrics each kind of analysis
    must have measured.
    """

    commit: str
    tree: str
    merged: str
    release: Release
    metrics: dict[str, set[str]]

    @classmethod
    def of(cls, clone: Clone) -> "Merge":
        """That of the branches as the clone has them.

        Raises:
            DataError: they contradict each other, or can't be built.
        """
        commit = clone.head(STAGING)
        rendered = rendering.documents(rendering.build(clone, commit, "staging"))
        merged = clone.merged(clone.head(PRODUCTION), commit)
        return cls(commit, clone.tree(commit), merged, clone.release(commit), analysis.expected(rendered))


class Proposal(NamedTuple):
    """What is to be promoted, and the text that says so."""

    evidence: Evidence
    text: str


def prepare(clone: Clone, analyses: list[Analysis], card: Cards, repository: str) -> Proposal:
    """Gather the evidence of what staging holds.

    Args:
        clone: the repository's.
        analyses: what staging's analyses said.
        card: what the registry tells of a version.
        repository: owner/name.

    Raises:
        Refused: there is nothing to promote, or what there is may not be.
    """
    production = clone.head(PRODUCTION)
    merge = Merge.of(clone)
    if merge.tree == clone.tree(production):
        raise Refused(f"There is nothing to promote: {PRODUCTION} is what {STAGING} is.", advice="Look: make status")
    found = Evidence(merge.commit, merge.tree, merge.release, analyses)
    refuse(objections(found, merge, analyses))
    builds = [rendering.build(clone, commit, "production") for commit in (production, merge.commit)]
    before = clone.release(production)
    cards = card(merge.release.model.version), card(before.model.version)
    return Proposal(found, evidence.markdown(found, before, cards, rendering.difference(*builds), repository))


def propose(clone: Clone, hub: Hub, proposal: Proposal) -> PullRequest:
    """Open the pull request, or bring the one that is open up to date.

    Raises:
        Refused: staging has moved meanwhile, so that the evidence is of something else.
    """
    now = clone.remote_head(STAGING)
    if now != proposal.evidence.commit:
        raise Refused(
            f"{STAGING} has moved from {proposal.evidence.commit} to {now} meanwhile.",
            advice="Wait for its analysis, and run it again.",
        )
    model = proposal.evidence.release.model
    title = f"Promote staging: model version {model.version}, image {proposal.evidence.release.digest()}"
    return hub.propose(STAGING, PRODUCTION, title, proposal.text)


def verify(clone: Clone, text: str, analyses: list[Analysis]) -> Evidence:
    """Let a promotion pass whose evidence is of exactly what would be merged.

    Args:
        clone: the repository's.
        text: the pull request's.
        analyses: what staging's analyses say now.

    Raises:
        Refused: for every reason that there is.
    """
    found = evidence.parsed(text)
    refuse(objections(found, Merge.of(clone), analyses))
    return found


def objections(found: Evidence, merge: Merge, analyses: list[Analysis]) -> list[str]:
    """Why a promotion must not be; nothing if it may.

    Args:
        found: the evidence.
        merge: what Git says.
        analyses: what staging's analyses say, asked anew.
    """
    said = []
    if (found.commit, found.tree) != (merge.commit, merge.tree):
        said.append(f"the evidence is of {found.commit}, and {STAGING} stands at {merge.commit}")
    if merge.merged != merge.tree:
        said.append(f"{PRODUCTION} would hold more than what {STAGING} ran; merge {PRODUCTION} into {STAGING} first")
    if missing := merge.release.missing():
        said.append(f"not released yet: {', '.join(missing)}")
    if UNRELEASED in merge.release.model:
        said.append("the model is not named")
    if found.release != merge.release:
        said.append("the evidence names other images or another model than Git")
    for source in (found.analyses, analyses):
        said += analysis.objections(source, merge.commit, merge.release.images.get(SERVE, ""), merge.metrics)
    return list(dict.fromkeys(said))


def refuse(reasons: list[str]) -> None:
    """Raise what there is to say.

    Raises:
        Refused: there is something.
    """
    if reasons:
        raise Refused(f"No promotion: {'; '.join(reasons)}.", advice="Mend it on staging, and run make promote again.")
