"""The reference of exit codes and error messages, read from the code that raises them."""

import ast
import inspect
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from docs.tools.markdown import code, page, sentence, table
from steps.common import errors
from steps.common.command_line import INTERRUPTED

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("steps", "workflows", "local", "rollouts", "release")
GAP = "…"
"""Stands where a message has a value."""


class ErrorMessage(NamedTuple):
    """An error message as the code has it: its class, the problem, the advice, and the file that raises it."""

    kind: str
    problem: str
    advice: str
    path: str


def render() -> str:
    """Render the page."""
    return page(
        "Exit codes and error messages",
        "Every command and every step ends with one of these codes. A workflow tries a step again after "
        f"{errors.Unavailable.exit_code} and after codes that it does not know; "
        f"after {_list(sorted(errors.PERMANENT_EXIT_CODES))} it stops, because another try cannot succeed.",
        table(("code", "class", "meaning"), _codes()),
        "`python -m rollouts.checks` has three more: 0 means passed, 1 failed, 2 inconclusive.",
        "## Messages",
        f"Every message consists of a problem and of advice, on standard error. `{GAP}` stands for a value. What to do "
        "about the frequent ones is in [Troubleshooting](../troubleshooting.md).",
        *_messages(collect()),
    )


def collect(root: Path = ROOT) -> list[ErrorMessage]:
    """Collect all messages of errors that the code raises on purpose, in the order of their files."""
    paths = sorted(path for folder in FOLDERS for path in (root / folder).rglob("*.py"))
    trees = {path.relative_to(root).as_posix(): ast.parse(path.read_text("utf-8")) for path in paths}
    everywhere = {f"{Path(path).stem}.{name}": text for path, tree in trees.items() for name, text in _constants(tree)}
    known = _classes(trees.values())
    return [
        ErrorMessage(kind, problem, advice, path)
        for path, tree in trees.items()
        for kind, problem, advice in _find_messages(tree, known, everywhere | dict(_constants(tree)))
    ]


def _codes() -> Iterator[list[str]]:
    yield ["0", "", "Success"]
    yield ["1", "", "A step failed, a check said no, or `make status` found a disagreement"]
    classes = [
        kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.SentinelError)
    ]
    for kind in sorted(classes, key=lambda kind: kind.exit_code):
        yield [str(kind.exit_code), code(kind.__name__), sentence(kind.__doc__ or "")]
    yield [str(INTERRUPTED), "", "Interrupted by Ctrl-C or SIGTERM; the next run continues from there"]


def _messages(found: Iterable[ErrorMessage]) -> Iterator[str]:
    groups = defaultdict(list)
    for message in found:
        groups[message.kind].append(message)
    for kind in sorted(groups):
        yield f"### {kind}"
        yield table(("problem", "advice"), sorted({(one.problem, one.advice) for one in groups[kind]}))


def _classes(trees: Iterable[ast.Module]) -> set[str]:
    """Return the names of the error tree's classes, and of classes that any module derives from them."""
    names = {name for name, kind in inspect.getmembers(errors, inspect.isclass) if name != "ClassVar"}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and any(isinstance(b, ast.Name) and b.id in names for b in node.bases):
                names.add(node.name)
    return names


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            text = _text(node.value, {})
            if text:
                yield node.targets[0].id, text


def _find_messages(tree: ast.Module, known: set[str], constants: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in known and node.args:
            problem = _text(node.args[0], constants)
            advice = next((_text(one.value, constants) for one in node.keywords if one.arg == "advice"), "")
            if problem.strip(f"{GAP} .:,"):
                yield node.func.id, problem, advice


def _text(node: ast.expr, constants: dict[str, str]) -> str:
    """Return a literal's text, with a gap for each value in it; anything else is one gap."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(_text(value, constants) for value in values)
        case ast.FormattedValue(value=value):
            return _text(value, constants)
        case ast.Name(id=name):
            return constants.get(name, GAP)
        case ast.Attribute(value=ast.Name(id=module), attr=name):
            return constants.get(f"{module}.{name}", GAP)
    return GAP


def _list(codes: Iterable[int]) -> str:
    *first, last = map(str, codes)
    return f"{', '.join(first)} and {last}"
