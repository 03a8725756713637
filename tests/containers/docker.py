"""Docker's own command, and containers as they should run."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tests.support import workers

TOOLS = ("pip", "pip3", "uv", "gcc", "cc", "g++", "make", "git", "curl")
# As the folder that a cluster would mount there, so with programs allowed: Java brings its libraries that way.
RESTRICTED = ("--read-only", "--tmpfs", "/tmp:exec", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")  # noqa: S108


class Container:
    """One that runs."""

    def __init__(self, name: str, port: int) -> None:
        self.name = name
        self.port = port
        self.address = f"http://{workers.LOOPBACK}:{port}"

    def state(self) -> dict[str, Any]:
        """Inspect the container."""
        return dict(json.loads(docker("inspect", "--format", "{{json .State}}", self.name)))

    def python(self, code: str) -> str:
        """Run a few lines in it, as the user that it has; what they print."""
        return docker("exec", self.name, "python", "-c", code).strip()

    def logs(self) -> str:
        """Return the container's output so far."""
        command = ["docker", "logs", self.name]
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True).stdout

    def wait(self) -> "Container":
        """Wait until it is ready."""
        workers.wait_ready(self.address, lambda: not self.state()["Running"])
        return self


def docker(*arguments: str) -> str:
    """Run Docker's command; what it prints."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def python(image: str, code: str) -> str:
    """Run a few lines in a container of their own, with a root that could be written to; what they print."""
    return docker("run", "--rm", "--entrypoint", "python", image, "-c", code).strip()


@contextmanager
def running(image: str, options: Sequence[str], *more: str) -> Iterator[Container]:
    """A container of the service, with what a cluster would take from it taken; it's gone at the end."""
    port = workers.free_port()
    publish = [*network(options)] or ["--publish", f"{workers.LOOPBACK}:{port}:{port}"]
    started = docker("run", "--detach", *RESTRICTED, *publish, *more, image, "--port", str(port))
    try:
        yield Container(started.strip(), port)
    finally:
        docker("rm", "--force", started.strip())


def network(options: Sequence[str]) -> list[str]:
    """The network that builds use, for an engine that has none of its own."""
    joined = " ".join(options).replace("=", " ").split()
    return ["--network", joined[joined.index("--network") + 1]] if "--network" in joined else []
