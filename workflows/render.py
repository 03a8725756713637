"""From Hera to the YAML that is committed and that a cluster and the local run both read."""

from pathlib import Path

from workflows.pipeline import pipeline
from workflows.schedule import schedule

FOLDER = Path(__file__).resolve().parents[1] / "gitops" / "base" / "workflows"
TEMPLATE = FOLDER / "workflow-template.yaml"
HEADER = "# Generated from workflows/; do not edit: make render\n"


def rendered() -> dict[Path, str]:
    """Every generated file and what it should hold."""
    drawn = {TEMPLATE: pipeline(), FOLDER / "cron-workflow.yaml": schedule()}
    return {path: HEADER + str(workflow.to_yaml(width=120)) for path, workflow in drawn.items()}


def stale() -> list[Path]:
    """The files that differ from what they should hold."""
    return [path for path, text in rendered().items() if not path.is_file() or path.read_text("utf-8") != text]


def write() -> None:
    """Write every generated file."""
    for path, text in rendered().items():
        path.write_text(text, "utf-8")
