"""A repository on a real Git server, with the branches staging and main, that holds what a release is made of."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from local.services import embedded
from release import git, rendering
from release.images import COMPONENT
from release.settings import GitSettings
from tests.support import actions
from tests.support.git_server import serving
from tests.support.github import StandIn
from tests.support.image_registry import Images, serve_folder
from tests.support.releases import NAME, ROOT, Pulls, Repository


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bare repository of what a cluster gets, with nothing released; nobody changes it."""
    root = tmp_path_factory.mktemp("template")
    work = root / "work"
    for name in (".ci", "gitops", "local", "rollouts", "steps", "samples"):
        shutil.copytree(ROOT / name, work / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "uv.lock"):
        shutil.copy(ROOT / name, work / name)
    component = yaml.safe_load((work / COMPONENT).read_text()) | {"images": []}
    (work / COMPONENT).write_text(yaml.safe_dump(component))
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", work], check=True)
    (root / "bare.git").mkdir()
    clone = Repository("", work)
    clone.git("add", "--all")
    clone.git("commit", "--quiet", "--message", "nothing released")
    clone.git("branch", "staging")
    clone.git("clone", "--quiet", "--bare", str(work), str(root / "bare.git"))
    # Otherwise the server would pack it again for every clone.
    clone.git("-C", str(root / "bare.git"), "repack", "-a", "-d", "--quiet")
    return root / "bare.git"


@pytest.fixture(scope="session")
def rendered() -> dict[tuple[str, str], str]:
    """What kustomize made of a tree for an environment: the same each time, and most tests release the same."""
    return {}


@pytest.fixture(autouse=True)
def render_once(rendered: dict[tuple[str, str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Render each tree once for all tests; programs that a test starts render by themselves."""
    build = rendering.build

    def render(clone: git.Clone, commit: str, environment: str) -> str:
        key = clone.tree(commit), environment
        if key not in rendered:
            rendered[key] = build(clone, commit, environment)
        return rendered[key]

    monkeypatch.setattr(rendering, "build", render)


@pytest.fixture
def repository(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    """A copy of it, served over HTTP, which the commands' settings name; and a clone."""
    served = tmp_path / "served"
    shutil.copytree(template, served / "repository.git")
    bare = str(served / "repository.git")
    subprocess.run(["git", "-C", bare, "config", "http.receivepack", "true"], check=True)
    (served / f"{NAME}.git").parent.mkdir()
    (served / f"{NAME}.git").symlink_to(served / "repository.git")
    with serving(served) as address:
        monkeypatch.setenv("SERVER", address)
        remote = f"{address}/repository.git"
        monkeypatch.setenv("GIT_REMOTE", remote)
        # What the commands do goes over HTTP; what prepares it takes the short way.
        subprocess.run(["git", "clone", "--quiet", bare, tmp_path / "clone"], check=True)
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


@pytest.fixture
def pulls(github_server: str, monkeypatch: pytest.MonkeyPatch) -> Pulls:
    """The fake GitHub that the commands' settings name, without pull requests."""
    StandIn(github_server).reset()
    for name, value in {"API_URL": github_server, "TOKEN": "a-token", "REPOSITORY": NAME}.items():
        monkeypatch.setenv(f"GITHUB_{name}", value)
    return Pulls(github_server)


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Images]:
    """A registry of images, and the fake cosign that knows their signatures."""
    folder = tmp_path / "programs"
    folder.mkdir()
    install(folder, "cosign")
    signatures = tmp_path / "signatures.json"
    given = {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "SIGNATURES": str(signatures)}
    given |= {"REGISTRY_INSECURE": "true", "GITHUB_REPOSITORY": NAME}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with serve_folder(tmp_path / "registry") as host:
        yield Images(tmp_path / "registry", host, signatures)


def install(folder: Path, name: str) -> None:
    """Put a fake program into a folder."""
    (folder / name).write_text(f'#!/bin/sh\nexec {sys.executable} {Path(__file__).with_name(f"{name}.py")} "$@"\n')
    (folder / name).chmod(0o755)


@pytest.fixture
def machine(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Make a folder as on a fresh machine, or one that is set up; packages come from what is installed here."""
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.delenv("UV_PROJECT_ENVIRONMENT", raising=False)

    def make(*, is_ready: bool = False) -> Path:
        folder = tmp_path_factory.mktemp("machine") / "work"
        folder.mkdir()
        return actions.project(folder, is_ready=is_ready)

    return make


@pytest.fixture
def cluster_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a cluster behind the fake kubectl, which is first on the PATH."""
    folder, real, path = tmp_path / "bin", shutil.which("kubectl"), tmp_path / "cluster.json"
    assert real, "kubectl is not on the PATH"
    folder.mkdir()
    install(folder, "kubectl")
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    monkeypatch.setenv("REAL_KUBECTL", real)
    monkeypatch.setenv("CLUSTER", str(path))
    monkeypatch.setenv("KUBECONFIG", "named")
    return path
