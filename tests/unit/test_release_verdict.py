"""A pull request to main is a promotion, an exact rollback, or refused; and what a rollback does in Git."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from release import git, images, promotion, rollback, verification
from release.git import Clone
from release.github import ProposedMerge
from release.images import COMPONENT, MODEL, SERVE
from release.verification import MergeRefused
from steps.common.errors import DataError, NotFound
from tests.support.production import Production
from tests.support.releases import HOST, Repository, digest, model, no_objections

NAME = "example/webshop"
NOTHING = "{pr-sentinel/model-digest: unreleased, pr-sentinel/model-version: unreleased}"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bare repository with the releases 1 and 2, in which version 1 came twice; nobody changes it."""
    root = tmp_path_factory.mktemp("releases")
    bare = root / "bare.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", bare], check=True)
    subprocess.run(["git", "clone", "--quiet", bare, root / "work"], check=True, capture_output=True)
    work = Repository(str(bare), root / "work")
    for path, text in (
        (COMPONENT, "images: []\n"),
        (MODEL, f"spec: {{template: {{metadata: {{annotations: {NOTHING}}}}}}}\n"),
    ):
        (work.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (work.folder / path).write_text(text)
    work.push("main", "nothing released")
    work.release("main", 1)
    work.git("fetch", "--quiet")
    component = (work.folder / COMPONENT).read_text()
    (work.folder / COMPONENT).write_text(images.replace_image(component, SERVE, f"{HOST}/{SERVE}@{digest(11)}"))
    work.push("main", "another build of version 1")
    work.release("main", 2)
    work.git("push", "--quiet", "origin", "HEAD:staging")
    return bare


@pytest.fixture
def repository(template: Path, tmp_path: Path) -> Repository:
    """A copy of it, and a clone."""
    subprocess.run(["git", "clone", "--quiet", "--bare", template, tmp_path / "bare.git"], check=True)
    subprocess.run(["git", "clone", "--quiet", tmp_path / "bare.git", tmp_path / "work"], check=True)
    return Repository(str(tmp_path / "bare.git"), tmp_path / "work")


@pytest.fixture
def clone(repository: Repository, tmp_path: Path) -> Clone:
    """The clone that commands use."""
    folder = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", "--no-checkout", repository.address, folder], check=True)
    return Clone(folder, os.environ | git.AUTHOR)


def propose(clone: Clone, head: str, **changes: str) -> ProposedMerge:
    """A pull request to main as it should be, but for what is changed."""
    clone.refresh()
    facts = {"base": "main", "head": head, "body": "", "base_repository": NAME, "head_repository": NAME}
    facts["commit"] = clone.head(head) if clone.has_branch(head) else "f" * 40
    return ProposedMerge(**(facts | changes))


def verify(clone: Clone, proposed: ProposedMerge) -> str:
    """Verify it; a promotion has no analyses."""
    return verification.verify(clone, proposed, list, no_objections)


def restore(repository: Repository, clone: Clone, version: str) -> str:
    """Push the branch of a rollback; its commit."""
    head = clone.head("main")
    commit = rollback.commit_release(clone, head, rollback.find_in_history(clone, version))
    assert clone.push(commit, f"rollback/version-{version}", "")
    clone.refresh()
    return commit


def test_an_exact_rollback_is_verified(repository: Repository, clone: Clone) -> None:
    """To the newest release of that version, and nothing else."""
    commit = restore(repository, clone, "1")
    assert clone.release(commit).images[SERVE] == f"{HOST}/{SERVE}@{digest(11)}"
    assert clone.release(commit).images["pr-sentinel/fetch"] == clone.release("origin/main").images["pr-sentinel/fetch"]
    said = verify(clone, propose(clone, "rollback/version-1"))
    assert said == "Exactly production's release of version 1; nothing else changes."


def test_a_rollback_that_changes_more_is_refused(repository: Repository, clone: Clone) -> None:
    """Whatever it is; and so is one that names another version than it restores."""
    restore(repository, clone, "1")
    for branch in ("rollback/version-1", "rollback/version-2"):
        repository.git("fetch", "--quiet", "origin")
        repository.git("checkout", "--quiet", "-B", "other", "origin/rollback/version-1")
        if branch.endswith("1"):
            (repository.folder / "more").write_text("more\n")
        repository.push(branch, "more")
        with pytest.raises(DataError, match="is not exactly the rollback to version"):
            verify(clone, propose(clone, branch))


def test_a_version_that_production_never_had_is_no_rollback(repository: Repository, clone: Clone) -> None:
    """Those that it had are named, the newest first; what was never released is not a version."""
    repository.git("checkout", "--quiet", "-B", "other", "origin/main")
    repository.push("rollback/version-9", "to nowhere")
    clone.refresh()
    with pytest.raises(NotFound, match="never had version 9") as refused:
        verify(clone, propose(clone, "rollback/version-9"))
    assert refused.value.advice == "Versions it had: 2, 1."


def test_a_release_without_the_service_is_nothing_to_go_back_to(repository: Repository, clone: Clone) -> None:
    """Its model alone serves nobody."""
    repository.git("checkout", "--quiet", "-B", "main", "origin/main")
    component, patch = repository.folder / COMPONENT, repository.folder / MODEL
    component.write_text("images: []\n")
    patch.write_text(images.replace_model(patch.read_text(), model(3)))
    repository.push("main", "no images")
    clone.refresh()
    with pytest.raises(NotFound, match="never had version 3"):
        rollback.find_in_history(clone, "3")
    assert rollback.find_in_history(clone, "2").images[SERVE] == f"{HOST}/{SERVE}@{digest(2)}"


@pytest.mark.parametrize(
    ("branch", "version"),
    [
        ("rollback/version-1", "1"),
        ("rollback/version-10", "10"),
        ("rollback/version-0", None),
        ("rollback/version-1x", None),
        ("rollback/version-", None),
        ("x/rollback/version-1", None),
        ("rollback/version-1\n", None),
        ("staging", None),
    ],
)
def test_the_branch_of_a_rollback_names_its_version(branch: str, version: str | None) -> None:
    """And no other branch does."""
    assert rollback.find_version(branch) == version


def test_a_promotion_is_checked_with_its_evidence_and_analyses(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its own text, and with what the analyses say now."""
    seen: list[Any] = []
    monkeypatch.setattr(promotion, "verify", lambda *given: seen.append(given))
    said = verification.verify(clone, propose(clone, "staging", body="a text"), lambda: ["now"], no_objections)  # type: ignore[list-item]
    assert said == "Exactly what staging ran; its analyses passed."
    assert seen == [(clone, "a text", ["now"], no_objections)]


def test_a_promotion_without_evidence_is_refused(clone: Clone) -> None:
    """As by the command."""
    with pytest.raises(DataError, match="contains no evidence"):
        verify(clone, propose(clone, "staging"))


@pytest.mark.parametrize(
    ("head", "changes", "words"),
    [
        ("staging", {"base": "staging"}, "goes to staging"),
        ("staging", {"base": "release"}, "goes to release"),
        ("staging", {"head_repository": "stranger/webshop"}, "comes from stranger/webshop"),
        ("staging", {"head_repository": ""}, "comes from a repository that is gone"),
        ("staging", {"commit": "e" * 40}, "is no longer at"),
        ("gone", {}, "is no longer at"),
        ("main", {}, "neither staging nor the branch of a rollback"),
    ],
)
def test_every_other_pull_request_is_refused(clone: Clone, head: str, changes: dict[str, str], words: str) -> None:
    """Of another place, of another time, or of no kind."""
    with pytest.raises(MergeRefused, match=words):
        verify(clone, propose(clone, head, **changes))


def test_github_writes_a_repository_s_name_as_it_likes(repository: Repository, clone: Clone) -> None:
    """In capitals too."""
    restore(repository, clone, "1")
    assert verify(clone, propose(clone, "rollback/version-1", head_repository=NAME.upper()))


class Hub:
    """A GitHub that notes the pull requests."""

    def __init__(self) -> None:
        self.opened: list[tuple[str, ...]] = []

    def open_pull_request(self, head: str, base: str, title: str, text: str) -> Any:
        """Note one."""
        self.opened.append((head, base, title, text))
        return self.opened[-1]


def test_a_revert_is_proposed_once_and_again_where_main_has_moved(repository: Repository, clone: Clone) -> None:
    """A branch with the same files stays, another one is brought up to date; there may be nothing to restore."""
    hub: Any = Hub()
    wanted = rollback.find_in_history(clone, "1")
    assert rollback.propose_revert(clone, hub, wanted)
    first = repository.head("rollback/version-1")
    title, image = "Roll back to model version 1", f"{HOST}/{SERVE}@{digest(11)}"
    assert hub.opened[0][:3] == ("rollback/version-1", "main", title)
    assert f"version 1, image `{image}`" in hub.opened[0][3]
    clone.refresh()
    assert rollback.propose_revert(clone, hub, wanted)
    assert repository.head("rollback/version-1") == first
    repository.git("checkout", "--quiet", "-B", "main", "origin/main")
    (repository.folder / "more").write_text("more\n")
    repository.push("main", "more")
    clone.refresh()
    assert rollback.propose_revert(clone, hub, wanted)
    second = repository.head("rollback/version-1")
    assert second != first
    clone.refresh()
    assert verify(clone, propose(clone, "rollback/version-1"))
    repository.merge("rollback/version-1", "main")
    clone.refresh()
    assert rollback.propose_revert(clone, hub, wanted) is None
    assert (len(hub.opened), repository.head("rollback/version-1")) == (3, second)


@pytest.mark.parametrize("held", [True, False, None])
def test_a_merged_rollback_is_finished_once(repository: Repository, clone: Clone, held: bool | None) -> None:
    """Staging gets what main has, and Argo CD is resumed where it was paused."""
    repository.release("main", 3)
    clone.refresh()
    production: Any = Production(None, held)
    said: list[str] = []
    rollback.finish(clone, production, said.append)
    clone.refresh()
    assert clone.has_ancestor(clone.head("staging"), clone.head("main"))
    assert production.done == ([("hold", False)] if held else [])
    assert said == ["main is merged into staging.", *(["Argo CD is resumed for production."] if held else [])]
    before = repository.head("staging")
    rollback.finish(clone, None, said.append)
    assert (repository.head("staging"), len(said)) == (before, 1 + bool(held))
