"""Promotion on a real Git server: what is proposed, and every way in which it must not be."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from release import git, promotion
from release.analysis import KINDS, Analysis
from release.git import Clone
from release.github import open_repo
from release.images import COMPONENT, IMAGES, SERVE
from release.promotion import PromotionRefused
from release.settings import GitHubRepoSettings, GitSettings
from steps.common.errors import DataError
from steps.common.settings import load
from tests.integration.release.analyses import WRONG
from tests.integration.release.command import file_of, release
from tests.support import kubectl, releases
from tests.support.releases import NAME, Pulls, Repository, digest, no_objections, passed

pytestmark = kubectl.needed


def no_card(_: str) -> None:
    """A registry that nobody asked."""


@pytest.fixture(scope="module")
def with_releases(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A repository that nobody changes: staging holds release 2 and main release 1."""
    made = releases.copy(template, tmp_path_factory.mktemp("with_releases"))
    made.release("staging", 1)
    made.merge("staging", "main")
    made.release("staging", 2)
    return made


@pytest.fixture
def released(repository: Repository, with_releases: Repository, clone: Clone) -> str:
    """Staging holds release 2 and main release 1; the commit of staging."""
    commit = repository.adopt(with_releases, "staging")
    clone.refresh()
    return commit


def prepared(clone: Clone, commit: str) -> promotion.Proposal:
    return promotion.prepare(clone, passed(clone, commit), no_card, NAME, no_objections)


def refusal(clone: Clone, text: str, analyses: list[Analysis]) -> str:
    clone.refresh()
    with pytest.raises(PromotionRefused) as refused:
        promotion.verify(clone, text, analyses, no_objections)
    return refused.value.problem


def test_promoting_twice_brings_the_same_pull_request_up_to_date(
    repository: Repository, clone: Clone, released: str, pulls: Pulls
) -> None:
    """With the evidence of what staging holds by then."""
    with open_repo(load(GitHubRepoSettings)) as github:
        first = promotion.open_pull_request(clone, github, prepared(clone, released))
        later = repository.release("staging", 3)
        clone.refresh()
        second = promotion.open_pull_request(clone, github, prepared(clone, later))
    (request,) = pulls.all()
    assert first.number == second.number == request["number"]
    assert later in request["body"]
    assert released not in request["body"]
    assert promotion.verify(clone, request["body"], passed(clone, later), no_objections).commit == later


def test_two_promotions_at_once_open_one_pull_request(clone: Clone, released: str, pulls: Pulls) -> None:
    """Whoever comes second finds it."""
    proposal = prepared(clone, released)

    def propose(_: int) -> int:
        with git.clone(load(GitSettings)) as own, open_repo(load(GitHubRepoSettings)) as github:
            return promotion.open_pull_request(own, github, proposal).number

    with ThreadPoolExecutor(4) as threads:
        numbers = set(threads.map(propose, range(4)))
    assert len(pulls.all()) == len(numbers) == 1


def test_a_promotion_is_refused_when_staging_moves_meanwhile(
    repository: Repository, clone: Clone, released: str, pulls: Pulls
) -> None:
    """The evidence would be of something else."""
    proposal = prepared(clone, released)
    later = repository.release("staging", 3)
    with (
        open_repo(load(GitHubRepoSettings)) as github,
        pytest.raises(PromotionRefused, match=f"has moved from {released} to {later}"),
    ):
        promotion.open_pull_request(clone, github, proposal)
    assert pulls.all() == []


def test_an_opened_promotion_is_refused_once_staging_has_moved(
    repository: Repository, clone: Clone, released: str, pulls: Pulls
) -> None:
    """Its evidence is of another commit, even where the images are the same."""
    proposal = prepared(clone, released)
    (repository.folder / "gitops/clusters/staging/settings.yaml").open("a").write("  MORE: '1'\n")
    later = repository.push("staging", "more settings")
    clone.refresh()
    said = refusal(clone, proposal.text, passed(clone, later))
    assert f"the evidence is for {released}, but staging is at {later}" in said


def test_what_main_alone_has_is_refused(repository: Repository, clone: Clone, released: str) -> None:
    """The merge would be something that staging never ran; after merging main into staging it is not."""
    repository.git("checkout", "--quiet", "-B", "main", "origin/main")
    (repository.folder / "hotfix").write_text("only in production\n")
    repository.push("main", "a hotfix")
    clone.refresh()
    with pytest.raises(
        PromotionRefused, match="main has commits that staging did not run; merge main into staging first"
    ):
        prepared(clone, released)
    repository.merge("main", "staging")
    clone.refresh()
    assert prepared(clone, clone.head("staging"))


def test_branches_that_contradict_each_other_are_refused(repository: Repository, clone: Clone, released: str) -> None:
    """In words, not by a failing merge."""
    repository.release("main", 9, (SERVE,))
    clone.refresh()
    with pytest.raises(DataError, match="have merge conflicts"):
        prepared(clone, released)


def test_an_analysis_that_does_not_speak_for_it_is_a_refusal(clone: Clone, released: str) -> None:
    """Each kind, in each way: when the evidence is gathered, and when it is verified against what they say by then."""
    good, merge = passed(clone, released), promotion.PromotionMerge.from_clone(clone, no_objections)
    found = prepared(clone, released).evidence
    assert promotion.find_objections(found, merge, good) == []
    for kind, (change, words) in itertools.product(KINDS, WRONG.values()):
        wrong = change(kind)(good)
        for said in (
            promotion.find_objections(found, merge, wrong),
            promotion.find_objections(found._replace(analyses=wrong), merge, good),
        ):
            assert said
            assert all(f"{kind}: " in line for line in said)
            assert any(words in line for line in said)


@pytest.mark.parametrize("wrong", ["missing", "failed", "of another digest"])
def test_the_whole_way_ends_at_such_an_analysis(wrong: str, clone: Clone, released: str) -> None:
    """Gathering refuses, and so does the check of a promotion that was gathered before."""
    good = passed(clone, released)
    bad = WRONG[wrong][0]("PrePromotion")(good)
    with pytest.raises(PromotionRefused, match="PrePromotion: "):
        promotion.prepare(clone, bad, no_card, NAME, no_objections)
    assert "PrePromotion: " in refusal(clone, prepared(clone, released).text, bad)


def test_evidence_that_was_written_by_hand_is_refused(clone: Clone, released: str) -> None:
    """Each part of it is compared with Git and with the analyses, which are queried again."""
    good, text = passed(clone, released), prepared(clone, released).text
    assert promotion.verify(clone, text, good, no_objections)
    machine = text.rpartition("<!-- evidence")[2]
    edits = {
        digest(2): (digest(7), "names different images or a different model than Git"),
        f'"digest": "{2:064x}"': (f'"digest": "{7:064x}"', "names different images or a different model than Git"),
        '"version": "2"': ('"version": "7"', "names different images or a different model than Git"),
        clone.tree(released): (clone.tree("main"), "the evidence is for"),
        '"Successful"': ('"Failed"', "it is Failed"),
    }
    for old, (new, words) in edits.items():
        assert old in machine
        assert words in refusal(
            clone, text.replace(machine, machine.replace(old, new, 1 if "Succ" in old else -1)), good
        )


def test_without_evidence_there_is_no_promotion(clone: Clone, released: str) -> None:
    """Nor with what can't be read."""
    analyses = passed(clone, released)
    for text in ("", "Please merge.", "<!-- evidence\n{}\n-->", "<!-- evidence\nno json\n-->", "<!-- evidence"):
        with pytest.raises(DataError, match="evidence"):
            promotion.verify(clone, text, analyses, no_objections)


def test_words_in_an_analysis_do_not_end_the_evidence(clone: Clone, released: str) -> None:
    """They are Argo's, and may hold anything."""
    analyses = [one._replace(message="--> <!-- evidence {} -->") for one in passed(clone, released)]
    text = promotion.prepare(clone, analyses, no_card, NAME, no_objections).text
    assert promotion.verify(clone, text, analyses, no_objections).analyses == analyses


def test_what_is_not_released_yet_is_refused(repository: Repository, clone: Clone) -> None:
    """Each image has to have a digest; those that have none are named."""
    commit = repository.release("staging", 1, tuple(name for name in IMAGES if name != "pr-sentinel/train"))
    clone.refresh()
    with pytest.raises(PromotionRefused, match="not released yet: pr-sentinel/train"):
        prepared(clone, commit)


def test_a_tag_in_git_is_refused(repository: Repository, clone: Clone, released: str) -> None:
    """However it came there."""
    path = repository.folder / COMPONENT
    path.write_text(path.read_text().replace(f"digest: {digest(2)}", "digest: latest", 1))
    repository.push("staging", "a tag")
    clone.refresh()
    with pytest.raises(DataError, match="has no valid digest"):
        prepared(clone, clone.head("staging"))


def test_a_rollout_without_an_analysis_can_not_be_promoted(repository: Repository, clone: Clone, released: str) -> None:
    """Taking the gate away on staging does not open it."""
    path = repository.folder / "rollouts/rollout.yaml"
    text = path.read_text()
    begin, end = text.index("      prePromotionAnalysis:"), text.index("      postPromotionAnalysis:")
    path.write_text(text[:begin] + text[end:])
    repository.push("staging", "no gate")
    clone.refresh()
    with pytest.raises(PromotionRefused, match="PrePromotion: the Rollout defines no such analysis"):
        prepared(clone, clone.head("staging"))


def test_a_dirty_tree_is_refused(
    repository: Repository, clone: Clone, released: str, pulls: Pulls, tmp_path: Path
) -> None:
    """A person could take it for what is promoted."""
    (repository.folder / "new").write_text("not committed\n")
    done = release(repository.folder, "promote", "--analyses", file_of(passed(clone, released), tmp_path))
    assert done.returncode == DataError.exit_code
    assert "The working tree has changes: new." in done.stderr
    assert pulls.all() == []
