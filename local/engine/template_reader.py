"""Reading a rendered template, and saying what in it a run on one machine does not cover."""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from local.engine.expressions import references
from local.engine.template import Spec, WorkflowTemplate
from steps.common.errors import ConfigurationError

TEMPLATE = Path(__file__).resolve().parents[2] / "gitops" / "base" / "workflows" / "workflow-template.yaml"
"""The rendered WorkflowTemplate, the same file that a cluster runs."""


def read(path: Path) -> WorkflowTemplate:
    """Read a rendered template.

    Raises:
        ConfigurationError: it asks for something that a run on one machine does not cover; each such place is named.
    """
    try:
        template = WorkflowTemplate.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except ValidationError as error:
        raise _refused(path, [_place(item) for item in error.errors(include_url=False)]) from None
    if wrong := list(misfits(template.spec)):
        raise _refused(path, wrong)
    return template


def misfits(spec: Spec) -> Iterator[str]:
    """What is well formed but does not fit together, or fits together in a way that is not covered."""
    tasks, containers = spec.tasks, spec.containers
    if not tasks:
        yield f"spec.entrypoint: {spec.entrypoint} is no graph of tasks"
    if spec.hooks and spec.hooks.exit.template not in containers:
        yield f"spec.hooks.exit: {spec.hooks.exit.template} runs no container"
    try:
        TopologicalSorter({task.name: task.depends.keys() for task in tasks.values()}).prepare()
    except CycleError as error:
        yield f"tasks wait for each other: {', '.join(error.args[1])}"
    for task in tasks.values():
        if task.template not in containers:
            yield f"task {task.name}: {task.template} runs no container"
        for name in task.depends.keys() - tasks.keys():
            yield f"task {task.name}: waits for {name}, which is not there"
        for text in task.texts:
            yield from (f"task {task.name}: {wrong}" for wrong in _loose_ends(text, spec))


def _loose_ends(text: str, spec: Spec) -> Iterator[str]:
    arguments = {argument.name for argument in spec.arguments.parameters}
    for reference in references(text):
        match reference.split("."):
            case ["workflow", "parameters", name] if name not in arguments:
                yield f"{{{{{reference}}}}} is no argument of the workflow"
            case ["tasks", name, "outputs", "parameters", output]:
                source = spec.tasks.get(name)
                if source is None or output not in spec.outputs_of(source):
                    yield f"{{{{{reference}}}}} is no output"
                elif source.with_param is not None:
                    yield f"{{{{{reference}}}}} gathers the outputs of a fan-out, which is not covered"


def _place(item: ErrorDetails) -> str:
    what = "is not covered" if item["type"] == "extra_forbidden" else item["msg"]
    return f"{'.'.join(map(str, item['loc']))}: {what}"


def _refused(path: Path, wrong: list[str]) -> ConfigurationError:
    return ConfigurationError(
        f"{path.name} asks for what a run on one machine does not cover: {'; '.join(wrong)}.",
        advice="Run it on Argo Workflows, or take that out of the template.",
    )
