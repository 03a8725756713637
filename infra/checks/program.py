"""OpenTofu or Terraform, whichever is on the PATH, with no settings but those of the files."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path


def find() -> str | None:
    """Return the path of `tofu`, or of `terraform`, or nothing."""
    return shutil.which("tofu") or shutil.which("terraform")


def get_name() -> str:
    """Return the name of the program, for messages."""
    return Path(find() or "tofu").name


def run(
    folder: Path, command: str, *arguments: str, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder; settings of whoever runs it (TF_…) don't count.

    Raises:
        FileNotFoundError: neither is on the PATH.
    """
    if not (found := find()):
        raise FileNotFoundError("Neither tofu nor terraform is on the PATH.")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    return subprocess.run(  # noqa: S603
        [found, f"-chdir={folder}", command, *arguments],
        env={**kept, "TF_CLI_ARGS": "-no-color", **(environ or {})},
        capture_output=True,
        text=True,
        check=False,
    )
