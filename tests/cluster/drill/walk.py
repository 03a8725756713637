"""The commands of a release, as a person gives them, and what they take, by the clock."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from release.images import SERVE
from tests.cluster import kube
from tests.cluster.drill.environments import HERE, change
from tests.cluster.project import REGISTRY
from tests.support.command_line import ROOT
from tests.support.releases import Repository


class Timeline:
    """A printed line for each step when it is done: its start, duration and results."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._print("    at   took")

    @contextmanager
    def step(self, name: str) -> Iterator[list[str]]:
        """Time a step; what it came to may be added to the list."""
        began, results = time.monotonic(), list[str]()
        yield results
        at, took = began - self._began, time.monotonic() - began
        self._print(
            f"{at // 60:4.0f}:{at % 60:02.0f} {took // 60:3.0f}:{took % 60:02.0f}  {name}: {'; '.join(results)}"
        )

    @staticmethod
    def _print(line: str) -> None:
        print(line, flush=True)  # noqa: T201  what the drill is for


class Drill:
    """The commands of a release, as a person gives them, and what the environments show."""

    def __init__(self, repository: Repository, settings: dict[str, str], state: str) -> None:
        self.repository = repository
        self._settings = settings
        self._state = state

    def release(self, *arguments: str, code: int = 0) -> str:
        """Run `python -m release` in the clone; what it says."""
        done = subprocess.run(
            [sys.executable, "-m", "release", *arguments],
            cwd=self.repository.folder,
            env=os.environ | self._settings | {"COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def image(self, broken: bool = False) -> str:
        """Build the champion's image, and write it into branch staging; the model's version."""
        champion = json.loads(self.release("champion", "--state", self._state))
        name, options = f"{REGISTRY}/{SERVE}", os.environ.get("OPTIONS", "").split()
        file = f"{champion['folder']}/env/docker/Dockerfile"
        options += ["--build-arg", f"REVISION={self.repository.head('staging')}"]
        kube.run("docker", "build", "--file", file, "--tag", name, *options, champion["folder"])
        if broken:
            folder = f"{self._state}/broken"
            kube.run("mkdir", "--parents", folder)
            kube.run("cp", str(HERE.parent / "rollouts" / "faulty.py"), str(HERE / "Dockerfile"), folder)
            kube.run("docker", "build", "--tag", f"{name}:mistake", "--build-arg", f"SERVE={name}", folder)
            name += ":mistake"
        kube.run("docker", "push", name)
        self.set_digest(
            SERVE, digest(name), "--model-digest", champion["digest"], "--model-version", champion["version"]
        )
        return str(champion["version"])

    def step_image(self, step: str) -> str:
        """Build an image of a step from staging's last commit, and write it into that branch; its reference."""
        name, options = f"{REGISTRY}/pr-sentinel/{step}", os.environ.get("OPTIONS", "").split()
        options += ["--target", step, "--build-arg", f"REVISION={self.repository.head('staging')}"]
        kube.run(
            "docker", "build", "--file", f"{ROOT}/steps/Dockerfile", "--tag", f"{name}:changed", *options, str(ROOT)
        )
        kube.run("docker", "push", f"{name}:changed")
        reference = digest(f"{name}:changed")
        self.set_digest(f"pr-sentinel/{step}", reference)
        return reference

    def set_staging(self, name: str, value: str) -> None:
        """Write a setting into branch staging, by hand."""
        self.repository.fetched("staging")
        self.repository.git("checkout", "--quiet", "-B", "staging", "origin/staging")
        path = self.repository.folder / "gitops" / "clusters" / "staging" / "settings.yaml"
        change(path, lambda found: found["data"].update({name: value}))
        self.repository.push("staging", f"{name} is {value}")

    def set_digest(self, image: str, reference: str, *model: str) -> None:
        """Write an image into branch staging."""
        self.release("set-digest", image, reference, *model)


def digest(name: str) -> str:
    """The reference of a pushed image by its digest."""
    references = kube.run("docker", "image", "inspect", "--format", '{{join .RepoDigests " "}}', name).split()
    return next(reference for reference in references if reference.startswith(f"{name.partition(':5000/')[0]}"))
