"""The rendered WorkflowTemplate: what Argo Workflows gets."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

PATH = Path(__file__).resolve().parents[2] / "gitops" / "base" / "workflows" / "workflow-template.yaml"


@cache
def spec() -> dict[str, Any]:
    """Read the template's `spec`."""
    return dict(yaml.safe_load(PATH.read_text("utf-8"))["spec"])
