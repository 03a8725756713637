"""Makes an image of the champion's Bento, by the Dockerfile that is in it."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from local.champion import find
from steps.common.errors import ConfigurationError

NAME = "pr-sentinel/serve"


def build(state: Path, options: Sequence[str], console: Console) -> int:
    """Build `pr-sentinel/serve:<version>-<hash>`; `options` go to `docker build`.

    Returns:
        Docker's exit code.

    Raises:
        ConfigurationError: there is no Docker.
        NotFound: there is no champion, or it has no Bento.
        DamagedArtefact: its Bento has another hash than the registry says.
        Unavailable: the registry or the store does not answer.
    """
    docker = shutil.which("docker")
    if docker is None:
        raise ConfigurationError("There is no docker on the PATH.", advice="Install Docker, or what stands in for it.")
    champion = find(state)
    version = champion.tag.rpartition(":")[2]
    image = f"{NAME}:{version}"
    file = champion.folder / "env" / "docker" / "Dockerfile"
    ours = ["--tag", image, "--file", str(file), "--build-arg", f"VERSION={version}"]
    command = [docker, "build", *ours, *options, str(champion.folder)]
    code = subprocess.run(command, check=False).returncode  # noqa: S603  the options are the caller's own
    if code == 0:
        run = f"docker run --read-only --tmpfs /tmp --publish 3000:3000 {image}"
        console.print(f"Try it: {run}", markup=False, soft_wrap=True)
    return code
