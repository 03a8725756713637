"""The reference of commands: the targets of make, and the command lines that they call."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import typer

from docs.tools.markdown import code, page, sentence, table
from local.__main__ import app as local
from release.__main__ import app as release

ROOT = Path(__file__).resolve().parents[2]
TARGET = re.compile(r"^([a-z-]+):.*?## (.*)$", re.MULTILINE)


def render() -> str:
    """Render the page."""
    return page(
        "Commands",
        "`make help` prints the first table. Every target installs first whatever is missing. Variables go behind it: "
        "`make serve PORT=3001`.",
        table(("command", "what it does"), [[code(f"make {name}"), text] for name, text in targets().items()]),
        "## ./pr-sentinel",
        "What runs on one machine, from any folder.",
        *_command_line("./pr-sentinel", local),
        "## python -m release",
        "What `make promote`, `make rollback`, `make status` and the workflows on GitHub call.",
        *_command_line("python -m release", release),
    )


def targets() -> dict[str, str]:
    """Return the targets of make that a person runs, each with its description."""
    return dict(TARGET.findall((ROOT / "Makefile").read_text("utf-8")))


def _command_line(name: str, app: typer.Typer) -> Iterator[str]:
    group = typer.main.get_command(app)
    commands = getattr(group, "commands", {})
    for command in commands.values():
        yield f"### {name} {command.name}"
        yield sentence(command.help or "")
        if command.params:
            yield table(("argument", "default", "meaning"), [_row(one) for one in command.params])


def _row(parameter: click.Parameter) -> list[str]:
    option = parameter.param_type_name == "option"
    shown = ", ".join(parameter.opts) if option else str(parameter.name).upper()
    default = "required" if parameter.required else _default(parameter)
    return [code(shown), default, getattr(parameter, "help", None) or ""]


def _default(parameter: click.Parameter) -> str:
    return code(parameter.default) if parameter.default not in (None, "", False, []) else ""
