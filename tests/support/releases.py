"""A repository of releases and its pull requests, as a person with a clone works on them."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from release import git, images
from release.analysis import KINDS, PASSED, Analysis
from release.images import COMPONENT, IMAGES, MODEL, ReleasedModel

if TYPE_CHECKING:
    from tests.support.image_registry import Images

ROOT = Path(__file__).parents[2]
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

    def release_built(self, branch: str, number: int, registry: "Images") -> str:
        """Push a release of images that are built from the branch and signed, and of a model; its commit."""
        commit = self.head(branch)
        self.git("fetch", "--quiet", "origin")
        self.git("checkout", "--quiet", "-B", branch, f"origin/{branch}")
        component = (self.folder / COMPONENT).read_text()
        for name in IMAGES:
            reference = registry.publish(name, commit, number)
            registry.sign(reference, commit)
            component = images.replace_image(component, name, reference)
        (self.folder / COMPONENT).write_text(component)
        (self.folder / MODEL).write_text(images.replace_model((self.folder / MODEL).read_text(), model(number)))
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

    def adopt(self, prepared: "Repository", branch: str) -> str:
        """Push all branches of a repository that began as this one did, and check one out; its commit."""
        self.git("fetch", "--quiet", prepared.address, "+refs/heads/*:refs/remotes/prepared/*")
        self.git("push", "--quiet", "origin", "refs/remotes/prepared/*:refs/heads/*")
        self.git("checkout", "--quiet", "-B", branch, f"origin/{branch}")
        return self.git("rev-parse", "HEAD")

    def fetched(self, branch: str) -> str:
        """The commit that a branch of the server stands at, with all that it holds."""
        self.git("fetch", "--quiet", "origin")
        return self.git("rev-parse", f"origin/{branch}")

    def head(self, branch: str) -> str:
        """The commit that a branch of the server stands at."""
        return self.git("ls-remote", "origin", f"refs/heads/{branch}").partition("\t")[0]


def copy(bare: Path, folder: Path) -> Repository:
    """Copy a bare repository into an empty folder, and clone the copy."""
    shutil.copytree(bare, folder / "bare.git")
    subprocess.run(["git", "clone", "--quiet", folder / "bare.git", folder / "clone"], check=True)
    return Repository(str(folder / "bare.git"), folder / "clone")


class Pulls:
    """The pull requests that were opened on the fake GitHub."""

    def __init__(self, address: str) -> None:
        self._address = address

    def all(self) -> list[dict[str, Any]]:
        """Each, as it is now."""
        return list(requests.get(f"{self._address}/_written", timeout=10).json()["pull_requests"])

    def statuses(self) -> list[dict[str, Any]]:
        """The statuses that were set, in order."""
        return list(requests.get(f"{self._address}/_written", timeout=10).json()["statuses"])

    def open(self, head: str, base: str, body: str) -> int:
        """Open one by hand; its number."""
        address, headers = f"{self._address}/repos/{NAME}/pulls", {"Authorization": "token a-person"}
        fields = {"title": "By hand", "head": head, "base": base, "body": body}
        answer = requests.post(address, json=fields, headers=headers, timeout=10)
        answer.raise_for_status()
        return int(answer.json()["number"])

    def edit(self, number: int, **fields: str) -> None:
        """Change one by hand."""
        address = f"{self._address}/repos/{NAME}/pulls/{number}"
        headers = {"Authorization": "token a-person"}
        requests.patch(address, json=fields, headers=headers, timeout=10).raise_for_status()

    def control(self, **settings: Any) -> None:
        """Set faults."""
        requests.post(f"{self._address}/_control", json=settings, timeout=10).raise_for_status()


def no_objections(*_: object) -> list[str]:
    """Return no objections to any image, where a test is of something else."""
    return []


def passed(clone: git.Clone, commit: str, **changed: Any) -> list[Analysis]:
    """Analyses that speak for a commit's serving image, but for what is changed."""
    from release.promotion import PromotionMerge

    merge = PromotionMerge.from_clone(clone, no_objections)
    image = clone.release(commit).images.get(images.SERVE, "")
    made = [
        Analysis(kind, f"run-{kind}".lower(), commit, image, PASSED, dict.fromkeys(sorted(merge.metrics[kind]), PASSED))
        for kind in KINDS
    ]
    return [one._replace(**changed) for one in made]
