"""A repository on a real Git server, with the branches staging and main, that holds what a release is made of."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from local.services import embedded
from release import git, images
from release.analysis import KINDS, PASSED, Analysis
from release.images import COMPONENT, IMAGES, MODEL, ReleasedModel
from release.settings import GitSettings
from tests.support.git_server import serving

ROOT = Path(__file__).parents[3]
NAME = "example/webshop"
HOST = "registry.example"
WHO = {f"GIT_{who}_{what}": "tester" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def digest(number: int) -> str:
    """A well-formed digest."""
    return f"sha256:{number:064x}"


def model(version: int) -> ReleasedModel:
    """A well-formed model."""
    return ReleasedModel(f"{version:064x}", str(version))


class Repository:
    """The repository as a person with a clone works on it."""

    def __init__(self, address: str, folder: Path) -> None:
        self.address = address
        self.folder = folder

    def git(self, *arguments: str) -> str:
        """Run git in the clone."""
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, env=os.environ | WHO, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def release(self, branch: str, number: int, names: tuple[str, ...] = IMAGES, host: str = HOST) -> str:
        """Push a release to a branch: digests made of a number, and the model of this version. Its commit."""
        self.git("fetch", "--quiet", "origin")
        self.git("checkout", "--quiet", "-B", branch, f"origin/{branch}")
        component = (self.folder / COMPONENT).read_text()
        for name in names:
            component = images.replace_image(component, name, f"{host}/{name}@{digest(number)}")
        (self.folder / COMPONENT).write_text(component)
        patch = (self.folder / MODEL).read_text()
        (self.folder / MODEL).write_text(images.replace_model(patch, model(number)))
        return self.push(branch, f"release {number}")

    def push(self, branch: str, message: str) -> str:
        """Commit all that the clone holds and push it."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        self.git("push", "--quiet", "origin", f"HEAD:{branch}")
        return self.git("rev-parse", "HEAD")

    def merge(self, branch: str, into: str) -> None:
        """Merge a branch as GitHub does, by a merge commit."""
        self.git("fetch", "--quiet", "origin")
        self.git("checkout", "--quiet", "-B", into, f"origin/{into}")
        self.git("merge", "--quiet", "--no-ff", "--no-edit", f"origin/{branch}")
        self.git("push", "--quiet", "origin", into)

    def fetched(self, branch: str) -> str:
        """The commit that a branch of the server stands at, with all that it holds."""
        self.git("fetch", "--quiet", "origin")
        return self.git("rev-parse", f"origin/{branch}")

    def head(self, branch: str) -> str:
        """The commit that a branch of the server stands at."""
        return self.git("ls-remote", "origin", f"refs/heads/{branch}").partition("\t")[0]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bare repository of what a cluster gets, with nothing released; nobody changes it."""
    root = tmp_path_factory.mktemp("template")
    work = root / "work"
    for name in ("gitops", "rollouts"):
        shutil.copytree(ROOT / name, work / name, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    component = yaml.safe_load((work / COMPONENT).read_text()) | {"images": []}
    (work / COMPONENT).write_text(yaml.safe_dump(component))
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", work], check=True)
    (root / "bare.git").mkdir()
    clone = Repository("", work)
    clone.git("add", "--all")
    clone.git("commit", "--quiet", "--message", "nothing released")
    clone.git("branch", "staging")
    clone.git("clone", "--quiet", "--bare", str(work), str(root / "bare.git"))
    return root / "bare.git"


@pytest.fixture
def repository(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    """A copy of it, served over HTTP, which the commands' settings name; and a clone."""
    served = tmp_path / "served"
    shutil.copytree(template, served / "repository.git")
    bare = str(served / "repository.git")
    subprocess.run(["git", "-C", bare, "config", "http.receivepack", "true"], check=True)
    with serving(served) as address:
        remote = f"{address}/repository.git"
        monkeypatch.setenv("GIT_REMOTE", remote)
        subprocess.run(["git", "clone", "--quiet", remote, tmp_path / "clone"], check=True)
        yield Repository(remote, tmp_path / "clone")


@pytest.fixture
def clone(repository: Repository) -> Iterator[git.Clone]:
    """The clone that the commands use, updated in the test by `refresh`."""
    with git.clone(GitSettings(git_remote=repository.address)) as made:
        yield made


@pytest.fixture(scope="session")
def github_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a fake server for these tests."""
    with embedded.sample_github(tmp_path_factory.mktemp("github")) as settings:
        yield settings["GITHUB_API_URL"]


class Pulls:
    """The pull requests that were opened on the fake GitHub."""

    def __init__(self, address: str) -> None:
        self._address = address

    def all(self) -> list[dict[str, Any]]:
        """Each, as it is now."""
        return list(requests.get(f"{self._address}/_written", timeout=10).json()["pull_requests"])

    def edit(self, number: int, **fields: str) -> None:
        """Change one by hand."""
        address = f"{self._address}/repos/{NAME}/pulls/{number}"
        headers = {"Authorization": "token a-person"}
        requests.patch(address, json=fields, headers=headers, timeout=10).raise_for_status()

    def control(self, **settings: Any) -> None:
        """Set faults."""
        requests.post(f"{self._address}/_control", json=settings, timeout=10).raise_for_status()


@pytest.fixture
def pulls(github_server: str, monkeypatch: pytest.MonkeyPatch) -> Pulls:
    """The fake GitHub that the commands' settings name, without pull requests."""
    requests.post(f"{github_server}/_reset", timeout=10).raise_for_status()
    for name, value in {"API_URL": github_server, "TOKEN": "a-token", "REPOSITORY": NAME}.items():
        monkeypatch.setenv(f"GITHUB_{name}", value)
    return Pulls(github_server)


@pytest.fixture
def cluster_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a cluster behind the fake kubectl, which is first on the PATH."""
    folder, real, path = tmp_path / "bin", shutil.which("kubectl"), tmp_path / "cluster.json"
    assert real, "kubectl is not on the PATH"
    folder.mkdir()
    (folder / "kubectl").write_text(f'#!/bin/sh\nexec {sys.executable} {Path(__file__).with_name("kubectl.py")} "$@"\n')
    (folder / "kubectl").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    monkeypatch.setenv("REAL_KUBECTL", real)
    monkeypatch.setenv("CLUSTER", str(path))
    monkeypatch.setenv("KUBECONFIG", "named")
    return path


def passed(clone: git.Clone, commit: str, **changed: Any) -> list[Analysis]:
    """Analyses that speak for a commit's serving image, but for what is changed."""
    from release.promotion import PromotionMerge

    merge = PromotionMerge.from_clone(clone)
    image = clone.release(commit).images.get(images.SERVE, "")
    made = [
        Analysis(kind, f"run-{kind}".lower(), commit, image, PASSED, dict.fromkeys(sorted(merge.metrics[kind]), PASSED))
        for kind in KINDS
    ]
    return [one._replace(**changed) for one in made]
