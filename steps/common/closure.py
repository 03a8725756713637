"""Which of our source files a module needs: it and all that it imports of ours, found by reading."""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The folder that holds the packages."""
PACKAGES = ("steps", "rollouts", "samples")


def closure(root: Path, modules: Iterable[str]) -> list[Path]:
    """The files below `root` of these modules and of everything of ours that they import, anywhere in their code.

    Imports for type checkers alone (`if TYPE_CHECKING:`) need no file.

    Raises:
        FileNotFoundError: there is no such module.
    """
    found: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        path = _file(root, name)
        if path is None:
            raise FileNotFoundError(f"There is no module {name} in {root}.")
        found[name] = path
        waiting += [*_packages(name), *(near for near in imported(path) if _file(root, near))]
    return sorted(found.values())


def imported(path: Path) -> tuple[str, ...]:
    """The names of ours that a file imports; one from a package may be a module or something that is in it."""
    return _names(path.read_bytes())


@cache
def _names(source: bytes) -> tuple[str, ...]:
    """Read a file's text once, however many modules lead to it."""
    return tuple(_imports(ast.parse(source)))


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in _running(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if _ours(alias.name))
        elif isinstance(node, ast.ImportFrom) and node.module and _ours(node.module):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _running(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node but those that only a type checker sees."""
    nodes = ast.iter_child_nodes(tree)
    if isinstance(tree, ast.If) and isinstance(tree.test, ast.Name) and tree.test.id == "TYPE_CHECKING":
        nodes = iter(tree.orelse)
    for node in nodes:
        yield node
        yield from _running(node)


def _ours(name: str) -> bool:
    return name.partition(".")[0] in PACKAGES


def _packages(name: str) -> Iterator[str]:
    parts = name.split(".")
    return (".".join(parts[:count]) for count in range(1, len(parts)))


def _file(root: Path, name: str) -> Path | None:
    path = root.joinpath(*name.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)
