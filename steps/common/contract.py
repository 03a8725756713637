"""What the contracts of all steps have in common."""

from typing import Any, Self

from hera.workflows.io import Input
from pydantic import ModelWrapValidatorHandler, ValidationError, model_validator

from steps.common import log
from steps.common.errors import ConfigurationError
from steps.common.pull_request import reasons


class StepInput(Input):
    """What a step is given; what it can't take ends it as any known error does, before it has begun."""

    @model_validator(mode="wrap")
    @classmethod
    def _said_in_words(cls, given: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(given)
        except ValidationError as error:
            wrong = "; ".join(reasons(error))
        with log.step(cls.__name__.removesuffix("Input").lower()):
            raise ConfigurationError(
                f"Parameters that can't be used: {wrong}.",
                advice="""Lists are given as JSON, as in repositories='["owner/name"]'.""",
            )
