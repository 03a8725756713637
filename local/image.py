"""The `image` command: builds the champion's image from the Dockerfile in its Bento."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from local.champion import fetch_champion
from steps.common.errors import ConfigurationError

NAME = "pr-sentinel/serve"


def build(state: Path, options: Sequence[str], console: Console) -> int:
    """Build `pr-sentinel/serve:<version>-<hash>`; `options` go to `docker build`.

    Returns:
        Docker's exit code.

    Raises:
        ConfigurationError: Docker is not installed.
        NotFound: there is no champion, or it has no Bento.
        DamagedArtefact: the Bento's hash differs from the one in the registry.
        Unavailable: the registry or the store does not respond.
    """
    docker = shutil.which("docker")
    if docker is None:
        raise ConfigurationError("docker is not on the PATH.", advice="Install Docker or a compatible tool.")
    champion = fetch_champion(state)
    version = champion.tag.rpartition(":")[2]
    image = f"{NAME}:{version}"
    file = champion.folder / "env" / "docker" / "Dockerfile"
    ours = ["--tag", image, "--file", str(file), "--build-arg", f"VERSION={version}"]
    command = [docker, "build", *ours, *options, str(champion.folder)]
    code = subprocess.run(command, check=False).returncode  # noqa: S603  the options come from the caller
    if code == 0:
        run = f"docker run --read-only --tmpfs /tmp --publish 3000:3000 {image}"
        console.print(f"Try it: {run}", markup=False, soft_wrap=True)
    return code
