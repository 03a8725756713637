"""Renders the Hera workflows to the committed YAML, which clusters and local runs read."""

from pathlib import Path

from workflows.monitoring import build_monitoring
from workflows.pipeline import build_pipeline
from workflows.schedule import build_drift_check, build_nightly_run

FOLDER = Path(__file__).resolve().parents[1] / "gitops" / "base" / "workflows"
TEMPLATE = FOLDER / "workflow-template.yaml"
MONITOR_TEMPLATE = FOLDER / "monitor-workflow-template.yaml"
HEADER = "# Generated from workflows/; do not edit: make render\n"


def render_files() -> dict[Path, str]:
    """Return the path and content of every generated file."""
    workflows = {
        TEMPLATE: build_pipeline(),
        FOLDER / "cron-workflow.yaml": build_nightly_run(),
        MONITOR_TEMPLATE: build_monitoring(),
        FOLDER / "monitor-cron-workflow.yaml": build_drift_check(),
    }
    return {path: HEADER + str(workflow.to_yaml(width=120)) for path, workflow in workflows.items()}


def find_stale_files() -> list[Path]:
    """Return the generated files that are missing or out of date."""
    return [path for path, text in render_files().items() if not path.is_file() or path.read_text("utf-8") != text]


def write_files() -> None:
    """Write every generated file."""
    for path, text in render_files().items():
        path.write_text(text, "utf-8")
