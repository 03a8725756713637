"""What releases do in Git is the same in another repository's hook, and whatever a user has configured."""

import os
import subprocess
from pathlib import Path

import pytest
from pydantic import SecretStr

from release import git
from release.settings import GitSettings
from steps.common.errors import DataError
from tests.support.releases import WHO, Repository

TOKEN = "a-token"  # noqa: S105  of nobody


def make_repository(folder: Path, text: str) -> Repository:
    """A bare repository with one commit, and a clone of it."""
    bare = folder / "bare.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", bare], check=True)
    subprocess.run(["git", "clone", "--quiet", bare, folder / "work"], check=True, capture_output=True)
    repository = Repository(str(bare), folder / "work")
    (repository.folder / "file").write_text(text)
    repository.git("add", "file")
    repository.git("commit", "--quiet", "--message", text)
    repository.git("push", "--quiet", "origin", "HEAD:main")
    return repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """The repository to release from."""
    return make_repository(tmp_path / "own", "own")


def change(repository: Repository) -> str:
    """Commit a change as releases do, and push it; its commit."""
    with git.clone(GitSettings(git_remote=repository.address)) as clone:
        commit = clone.commit(clone.head("main"), {"file": "changed\n"}, "changed")
        assert clone.push(commit, "main", clone.head("main"))
    return commit


def test_another_repository_s_hook_changes_nothing(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """notatallshaw/nab#672, bufbuild/buf#3760: Git names the hook's repository to all that the hook runs."""
    other = make_repository(tmp_path / "other", "other")
    before = other.git("rev-parse", "HEAD")
    places = {
        "GIT_DIR": str(other.folder / ".git"),
        "GIT_WORK_TREE": str(other.folder),
        "GIT_INDEX_FILE": str(other.folder / ".git/index"),
        "GIT_OBJECT_DIRECTORY": str(other.folder / ".git/objects"),
        "GIT_PREFIX": "sub/",
    }
    with monkeypatch.context() as hook:
        for name, value in places.items():
            hook.setenv(name, value)
        hook.chdir(repository.folder)
        assert git.find_origin() == repository.address
        git.check_clean(repository.folder)
        (repository.folder / "file").write_text("not committed")
        with pytest.raises(DataError, match="file"):
            git.check_clean(repository.folder)
        commit = change(repository)
    repository.git("fetch", "--quiet")
    assert repository.git("rev-parse", "origin/main") == commit
    assert other.git("rev-parse", "HEAD") == before
    assert not other.git("status", "--porcelain")


def test_a_user_s_name_for_remotes_does_not_stop_a_release(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """evilmartians/lefthook#826, Homebrew/brew#10579"""
    configuration = tmp_path / "gitconfig"
    configuration.write_text("[clone]\ndefaultRemoteName = upstream\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(configuration))
    commit = change(repository)
    with git.clone(GitSettings(git_remote=repository.address)) as clone:
        assert clone.head("main") == commit


def test_what_the_environment_configures_is_kept_beside_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a proxy or a certificate of one's own."""
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "http.sslCAInfo")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "/certificates.pem")
    settings = GitSettings(github_token=SecretStr(TOKEN))
    environment = git.build_environment(settings, "https://git.example/a/b")
    listed = subprocess.run(
        ["git", "config", "--list"], env=os.environ | WHO | environment, capture_output=True, text=True, check=True
    ).stdout
    assert "http.sslcainfo=/certificates.pem" in listed
    assert "http.https://git.example/.extraheader=Authorization: Basic " in listed
