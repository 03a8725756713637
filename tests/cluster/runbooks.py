"""The commands of the runbooks, as somebody types them who was woken up."""

import re

from tests.cluster import kube
from tests.cluster.project import ROOT

COMMAND = re.compile(r"^\$ (?!make )(.+)$", re.MULTILINE)
"""Those of `make` are the project's own, and are tested by themselves."""
NAMESPACE = re.compile(rf"(-n|--namespace) {kube.PIPELINE}(?=\s|$)")


def look_at(alert: str, namespace: str = kube.PIPELINE) -> str:
    """Run what an alert's page says to look at, each of which must succeed; what all of it prints."""
    commands = COMMAND.findall((ROOT / "docs" / "runbooks" / f"{alert}.md").read_text("utf-8"))
    assert commands, f"the runbook of {alert} has no commands"
    return "".join(
        kube.run("bash", "-o", "pipefail", "-c", NAMESPACE.sub(rf"\1 {namespace}", command)) for command in commands
    )
