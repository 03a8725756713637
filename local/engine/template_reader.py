"""Reads a rendered template and rejects what the local engine does not support."""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from local.engine.expressions import find_references
from local.engine.template import Spec, WorkflowTemplate
from steps.common.errors import ConfigurationError

FOLDER = Path(__file__).resolve().parents[2] / "gitops" / "base" / "workflows"
TEMPLATE, MONITOR_TEMPLATE = FOLDER / "workflow-template.yaml", FOLDER / "monitor-workflow-template.yaml"
"""The rendered WorkflowTemplates, the same files that a cluster runs."""


def read(path: Path) -> WorkflowTemplate:
    """Read a rendered template.

    Raises:
        ConfigurationError: the template uses something that the local engine does not support; every place is named.
    """
    try:
        template = WorkflowTemplate.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except ValidationError as error:
        raise _unsupported_error(path, [_format_error(item) for item in error.errors(include_url=False)]) from None
    if wrong := list(find_problems(template.spec)):
        raise _unsupported_error(path, wrong)
    return template


def find_problems(spec: Spec) -> Iterator[str]:
    """Yield what is well formed but inconsistent, or not supported in this combination."""
    tasks, containers = spec.tasks, spec.containers
    if not tasks:
        yield f"spec.entrypoint: {spec.entrypoint} is not a DAG template"
    if spec.hooks and spec.hooks.exit.template not in containers:
        yield f"spec.hooks.exit: {spec.hooks.exit.template} is not a container template"
    try:
        TopologicalSorter({task.name: task.depends.keys() for task in tasks.values()}).prepare()
    except CycleError as error:
        yield f"circular dependency: {', '.join(error.args[1])}"
    for task in tasks.values():
        if task.template not in containers:
            yield f"task {task.name}: {task.template} is not a container template"
        for name in task.depends.keys() - tasks.keys():
            yield f"task {task.name}: depends on {name}, which does not exist"
        for text in task.texts:
            yield from (f"task {task.name}: {wrong}" for wrong in _unknown_references(text, spec))


def _unknown_references(text: str, spec: Spec) -> Iterator[str]:
    arguments = {argument.name for argument in spec.arguments.parameters}
    for reference in find_references(text):
        match reference.split("."):
            case ["workflow", "parameters", name] if name not in arguments:
                yield f"{{{{{reference}}}}} is not an argument of the workflow"
            case ["tasks", name, "outputs", "parameters", output]:
                source = spec.tasks.get(name)
                if source is None or output not in spec.outputs_of(source):
                    yield f"{{{{{reference}}}}} is not an output"
                elif source.with_param is not None:
                    yield f"{{{{{reference}}}}} aggregates the outputs of a fan-out, which is not supported"


def _format_error(item: ErrorDetails) -> str:
    what = "is not supported" if item["type"] == "extra_forbidden" else item["msg"]
    return f"{'.'.join(map(str, item['loc']))}: {what}"


def _unsupported_error(path: Path, wrong: list[str]) -> ConfigurationError:
    return ConfigurationError(
        f"{path.name} uses features that the local engine does not support: {'; '.join(wrong)}.",
        advice="Run it on Argo Workflows, or remove them from the template.",
    )
