"""Rendered manifests: kustomize builds of a commit, and the difference between two of them."""

import subprocess
from difflib import unified_diff
from pathlib import Path

import yaml

from release.cluster import Document
from release.git import Clone
from steps.common.errors import ConfigurationError, DataError

FOLDERS = ("gitops", "rollouts")
OVERLAY = "gitops/clusters/{}"


def build(clone: Clone, commit: str, environment: str) -> str:
    """Render the YAML of a commit for an environment (`staging` or `production`).

    Raises:
        ConfigurationError: kubectl is not installed.
        DataError: the commit can't be rendered.
    """
    with clone.checkout(commit, *FOLDERS) as folder:
        return render(folder / OVERLAY.format(environment))


def render(folder: Path) -> str:
    """Render the YAML of a kustomization.

    Raises:
        ConfigurationError: kubectl is not installed.
        DataError: the kustomization can't be rendered.
    """
    command = ["kubectl", "kustomize", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  no shell
    except FileNotFoundError:
        raise ConfigurationError("kubectl is not on the PATH.", advice="Install kubectl.") from None
    if done.returncode:
        raise DataError(f"kustomize failed: {done.stderr.strip()}", advice="Fix the manifests in gitops/.")
    return done.stdout


def parse_documents(rendered: str) -> list[Document]:
    """Parse the resources of a rendered build, with the C parser: it is as safe as the other, and ten times as fast."""
    return list(yaml.load_all(rendered, Loader=yaml.CSafeLoader))


def diff(before: str, after: str) -> str:
    """Return a unified diff of two builds; empty if they are equal."""
    return "\n".join(unified_diff(before.splitlines(), after.splitlines(), "now", "then", lineterm=""))
