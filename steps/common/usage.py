"""The usage text of an image that is started without a command: `python -m steps.common.usage STEP`.

It is generated from the step's contract and settings, so it always matches them.
"""

import inspect
import json
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from hera.workflows.io import Output
from pydantic import BaseModel

from steps.common import settings


def format_usage(step: str) -> str:
    """Return a step's functions, their inputs and outputs, how to run them, and the settings that the step reads."""
    contract = import_module(f"steps.{step}.step")
    functions = [each for each in vars(contract).values() if hasattr(each, "wrapped_function")]
    lines = [
        str(contract.__doc__),
        "",
        *(line for function in functions for line in _format_function(function)),
        'INPUTS is a JSON file with the inputs by name: [{"name": ..., "value": "..."}, ...].',
        "",
        "Settings from the environment or, with VAULT_ADDR, from VAULT_SECRET_PATH in Vault, read with VAULT_ROLE:",
        *_format_settings(getattr(settings, f"{step.capitalize()}Settings")),
    ]
    return "\n".join(lines)


def _format_function(function: Any) -> Iterator[str]:
    """Yield the lines about one function of a contract."""
    signature = inspect.signature(function.wrapped_function)
    (parameter,) = signature.parameters.values()
    yield f"python -m hera.workflows.runner -e {function.__module__}:{function.__name__} INPUTS"
    yield f"  {function.__doc__}"
    yield from (f"  input {line}" for line in _format_fields(parameter.annotation))
    if signature.return_annotation:
        outputs = (name for name in signature.return_annotation.model_fields if name not in Output.model_fields)
        yield f"  outputs: {', '.join(outputs)}, each in $hera__outputs_directory/parameters/NAME"
    yield ""


def _format_fields(model: type[BaseModel]) -> Iterator[str]:
    schema = model.model_json_schema()
    for name, field in schema["properties"].items():
        default = "" if name in schema.get("required", ()) else f" (default: {json.dumps(field['default'])})"
        yield f"{name}: {field['type']}{default}"


def _format_settings(model: type[settings.StepSettings]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        default = "required" if field.is_required() else f"default: {field.default or 'not set'}"
        secret = ", secret" if "Secret" in str(field.annotation) else ""
        description = f", {field.description}" if field.description else ""
        yield f"  {name.upper()}: {default}{secret}{description}"


if __name__ == "__main__":
    sys.stdout.write(f"{format_usage(sys.argv[1])}\n")
