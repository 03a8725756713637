"""Promotion from staging to main: the pull request with its evidence, and the check that verifies it."""

from collections.abc import Callable
from typing import NamedTuple

from github.PullRequest import PullRequest

from release import analysis, evidence, rendering
from release.analysis import Analysis
from release.evidence import PromotionEvidence, VersionCard
from release.git import PRODUCTION, STAGING, Clone
from release.github import GitHubRepo
from release.images import SERVE, UNRELEASED, Release
from release.provenance import CheckImages
from steps.common.errors import DataError

FindCard = Callable[[str], VersionCard | None]


class PromotionRefused(DataError):
    """The promotion is not allowed."""


class PromotionMerge(NamedTuple):
    """A promotion as Git sees it.

    The commit and tree of staging, the tree that main would have, the release, the metrics that each kind of analysis
    must have, and the objections to the images.
    """

    commit: str
    tree: str
    merged_tree: str
    release: Release
    metrics: dict[str, set[str]]
    image_objections: list[str]

    @classmethod
    def from_clone(cls, clone: Clone, check: CheckImages) -> "PromotionMerge":
        """Read it from the branches of a clone.

        Raises:
            DataError: the branches have merge conflicts, or can't be rendered.
            SentinelError: the images can't be checked.
        """
        commit = clone.head(STAGING)
        rendered = rendering.parse_documents(rendering.build(clone, commit, "staging"))
        merged = clone.merged_tree(clone.head(PRODUCTION), commit)
        release = clone.release(commit)
        metrics = analysis.find_expected_metrics(rendered)
        return cls(commit, clone.tree(commit), merged, release, metrics, check(clone, commit, release))


class Proposal(NamedTuple):
    """The evidence for a promotion, and the body of its pull request."""

    evidence: PromotionEvidence
    text: str


def prepare(clone: Clone, analyses: list[Analysis], card: FindCard, repository: str, check: CheckImages) -> Proposal:
    """Gather the evidence for promoting staging.

    Args:
        clone: a clone of the repository.
        analyses: the results of staging's analyses.
        card: a function that returns the registry's facts about a version.
        repository: owner/name.
        check: a function that returns the objections to a release's images.

    Raises:
        PromotionRefused: there is nothing to promote, or there are objections.
    """
    production = clone.head(PRODUCTION)
    merge = PromotionMerge.from_clone(clone, check)
    if merge.tree == clone.tree(production):
        raise PromotionRefused(
            f"There is nothing to promote: {PRODUCTION} equals {STAGING}.", advice="Run `make status` for details."
        )
    found = PromotionEvidence(merge.commit, merge.tree, merge.release, analyses)
    raise_for(find_objections(found, merge, analyses))
    builds = [rendering.build(clone, commit, "production") for commit in (production, merge.commit)]
    before = clone.release(production)
    cards = card(merge.release.model.version), card(before.model.version)
    return Proposal(found, evidence.render_markdown(found, before, cards, rendering.diff(*builds), repository))


def open_pull_request(clone: Clone, hub: GitHubRepo, proposal: Proposal) -> PullRequest:
    """Open or update the promotion pull request.

    Raises:
        PromotionRefused: staging has moved since the evidence was gathered.
    """
    now = clone.remote_head(STAGING)
    if now != proposal.evidence.commit:
        raise PromotionRefused(
            f"{STAGING} has moved from {proposal.evidence.commit} to {now}.",
            advice="Wait for the analysis of the new commit, then run the command again.",
        )
    model = proposal.evidence.release.model
    title = f"Promote staging: model version {model.version}, image {proposal.evidence.release.digest()}"
    return hub.open_pull_request(STAGING, PRODUCTION, title, proposal.text)


def verify(clone: Clone, text: str, analyses: list[Analysis], check: CheckImages) -> PromotionEvidence:
    """Verify that the evidence of a promotion describes exactly what would be merged.

    Args:
        clone: a clone of the repository.
        text: the body of the pull request.
        analyses: the current results of staging's analyses.
        check: a function that returns the objections to a release's images.

    Raises:
        PromotionRefused: there are objections; the message lists all of them.
    """
    found = evidence.parse(text)
    raise_for(find_objections(found, PromotionMerge.from_clone(clone, check), analyses))
    return found


def find_objections(found: PromotionEvidence, merge: PromotionMerge, analyses: list[Analysis]) -> list[str]:
    """Return the objections to a promotion; empty if there are none.

    Args:
        found: the evidence.
        merge: the promotion as Git sees it.
        analyses: the current results of staging's analyses.
    """
    objections = list(merge.image_objections)
    if (found.commit, found.tree) != (merge.commit, merge.tree):
        objections.append(f"the evidence is for {found.commit}, but {STAGING} is at {merge.commit}")
    if merge.merged_tree != merge.tree:
        objections.append(
            f"{PRODUCTION} has commits that {STAGING} did not run; merge {PRODUCTION} into {STAGING} first"
        )
    if missing := merge.release.missing():
        objections.append(f"not released yet: {', '.join(missing)}")
    if UNRELEASED in merge.release.model:
        objections.append("the model is not set")
    if found.release != merge.release:
        objections.append("the evidence names different images or a different model than Git")
    for source in (found.analyses, analyses):
        objections += analysis.find_objections(source, merge.commit, merge.release.images.get(SERVE, ""), merge.metrics)
    return list(dict.fromkeys(objections))


def raise_for(reasons: list[str]) -> None:
    """Raise an error that lists the objections, if there are any.

    Raises:
        PromotionRefused: there is at least one.
    """
    if reasons:
        raise PromotionRefused(
            f"The promotion is refused: {'; '.join(reasons)}.",
            advice="Fix it on staging, then run `make promote` again.",
        )
