"""What an image says when it is started without a command: `python -m steps.common.usage STEP`.

All of it is read from the step's contract and its settings, so it can't say anything else than what is so.
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


def usage(step: str) -> str:
    """The functions of a step, what each takes and gives, how to run it, and the settings that it reads."""
    contract = import_module(f"steps.{step}.step")
    functions = [each for each in vars(contract).values() if hasattr(each, "wrapped_function")]
    lines = [
        str(contract.__doc__),
        "",
        *(line for function in functions for line in _function(function)),
        'INPUTS is a file that holds them by name: [{"name": ..., "value": "..."}, ...].',
        "",
        "Settings, from the environment; with VAULT_ADDR also from VAULT_SECRET_PATH, read as VAULT_ROLE:",
        *_settings(getattr(settings, f"{step.capitalize()}Settings")),
    ]
    return "\n".join(lines)


def _function(function: Any) -> Iterator[str]:
    """One function of a contract; what it gives is written into a folder."""
    signature = inspect.signature(function.wrapped_function)
    (taken,) = signature.parameters.values()
    yield f"python -m hera.workflows.runner -e {function.__module__}:{function.__name__} INPUTS"
    yield f"  {function.__doc__}"
    yield from (f"  takes {line}" for line in _fields(taken.annotation))
    if signature.return_annotation:
        given = (name for name in signature.return_annotation.model_fields if name not in Output.model_fields)
        yield f"  gives {', '.join(given)}, each as $hera__outputs_directory/parameters/NAME"
    yield ""


def _fields(model: type[BaseModel]) -> Iterator[str]:
    known = model.model_json_schema()
    for name, field in known["properties"].items():
        default = "" if name in known["required"] else f", as a rule {json.dumps(field['default'])}"
        yield f"{name}: {field['type']}{default}"


def _settings(kind: type[settings.StepSettings]) -> Iterator[str]:
    for name, field in kind.model_fields.items():
        default = "needed" if field.is_required() else f"{field.default or 'nothing'} unless given"
        secret = ", secret" if "Secret" in str(field.annotation) else ""
        told = f", {field.description}" if field.description else ""
        yield f"  {name.upper()}: {default}{secret}{told}"


if __name__ == "__main__":
    sys.stdout.write(f"{usage(sys.argv[1])}\n")
