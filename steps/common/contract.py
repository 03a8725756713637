"""The base class of the steps' contracts."""

from typing import Any, Self

from hera.workflows.io import Input
from pydantic import ModelWrapValidatorHandler, ValidationError, model_validator

from steps.common.errors import ConfigurationError
from steps.common.pull_request import format_reasons
from steps.common.step_frame import run_step


class StepInput(Input):
    """A step's input; an invalid one ends the step before it begins, as any other known error does."""

    @model_validator(mode="wrap")
    @classmethod
    def _exit_on_invalid_input(cls, values: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(values)
        except ValidationError as error:
            problems = "; ".join(format_reasons(error))
        with run_step(cls.__name__.removesuffix("Input").lower()):
            raise ConfigurationError(
                f"Invalid parameters: {problems}.",
                advice="""Write lists as JSON, for example repositories='["owner/name"]'.""",
            )
