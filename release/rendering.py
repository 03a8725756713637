"""What a cluster gets of a tree: kustomize's own build, and how two of them differ."""

import subprocess
from difflib import unified_diff
from pathlib import Path

import yaml

from release.cluster import Document
from release.git import Clone
from steps.common.errors import ConfigurationError, DataError

OVERLAY = "gitops/clusters/{}"


def build(clone: Clone, commit: str, environment: str) -> str:
    """The YAML that a commit gives an environment (`staging` or `production`).

    Raises:
        ConfigurationError: there is no kubectl.
        DataError: the commit can't be built.
    """
    with clone.files(commit) as folder:
        return render(folder / OVERLAY.format(environment))


def render(folder: Path) -> str:
    """The YAML of a kustomization.

    Raises:
        ConfigurationError: there is no kubectl.
        DataError: it can't be built.
    """
    command = ["kubectl", "kustomize", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  no shell
    except FileNotFoundError:
        raise ConfigurationError("There is no kubectl on the PATH.", advice="Install it.") from None
    if done.returncode:
        raise DataError(f"kustomize can't build it: {done.stderr.strip()}", advice="Mend gitops/.")
    return done.stdout


def documents(rendered: str) -> list[Document]:
    """The resources in it."""
    return list(yaml.safe_load_all(rendered))


def difference(before: str, after: str) -> str:
    """How two builds differ, in lines; empty where they don't."""
    return "\n".join(unified_diff(before.splitlines(), after.splitlines(), "now", "then", lineterm=""))
