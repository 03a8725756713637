"""The contracts of register and conclude: the registration of a model, and the record of how a workflow ended."""

from typing import Annotated

from hera.workflows import Parameter, script
from hera.workflows.io import Output

from steps.common.contract import StepInput

IMAGE_VARIABLES = {step: f"{step.upper()}_IMAGE" for step in ("fetch", "preprocess", "train", "register")}
"""The environment variables by which `conclude` knows the images of the workflow's steps."""


class RegisterInput(StepInput):
    """The run, its model, and the dataset it was measured on."""

    run_id: Annotated[str, Parameter(name="run_id")]
    model_uri: Annotated[str, Parameter(name="model_uri")]
    dataset_uri: Annotated[str, Parameter(name="dataset_uri")]


class RegisterOutput(Output):
    """The version (empty if refused), the decision, its reason in a sentence, and the tag of the version's Bento."""

    version: Annotated[str, Parameter(name="version")]
    decision: Annotated[str, Parameter(name="decision")]
    reason: Annotated[str, Parameter(name="reason")]
    bento: Annotated[str, Parameter(name="bento")]


class ConcludeOutput(Output):
    """The number of tasks to which a token, role or key was refused."""

    refused: Annotated[int, Parameter(name="refused")]


class ConcludeInput(StepInput):
    """The state of the workflow at its end."""

    workflow: Annotated[str, Parameter(name="workflow")]
    status: Annotated[str, Parameter(name="status")]
    failures: Annotated[str, Parameter(name="failures")] = "null"


@script(constructor="runner")
def register(given: RegisterInput) -> RegisterOutput:
    """Decide on the model, package it, and register the version."""
    from steps.common.step_frame import run_step
    from steps.register.registry import decide_and_register

    with run_step("register"):
        return RegisterOutput(**decide_and_register(given.run_id, given.model_uri, given.dataset_uri))


@script(constructor="runner")
def conclude(given: ConcludeInput) -> ConcludeOutput:
    """Record how the workflow ended."""
    import os

    from steps.common.step_frame import run_step
    from steps.register.conclusion import record

    # Without a digest, as on one machine, a name says nothing of what ran.
    images = {step: image for step, name in IMAGE_VARIABLES.items() if "@" in (image := os.environ.get(name, ""))}
    with run_step("conclude"):
        return ConcludeOutput(refused=record(given.workflow, given.status, given.failures, images))
