"""The source files of ours that a module needs: its own and those that it imports, found by reading the code."""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The folder that holds the packages."""
PACKAGES = ("steps", "rollouts", "samples")


def find_sources(root: Path, modules: Iterable[str]) -> list[Path]:
    """Return the files below `root` of these modules and of every module of ours that they import, directly or not.

    Imports for type checkers only (`if TYPE_CHECKING:`) don't count.

    Raises:
        FileNotFoundError: a module does not exist.
    """
    found: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        path = _find_file(root, name)
        if path is None:
            raise FileNotFoundError(f"There is no module {name} in {root}.")
        found[name] = path
        waiting += [*_list_parents(name), *(each for each in list_imports(path) if _find_file(root, each))]
    return sorted(found.values())


def list_imports(path: Path) -> tuple[str, ...]:
    """Return the names of ours that a file imports; each may be a module or something in one."""
    return _parse_imports(path.read_bytes())


@cache
def _parse_imports(source: bytes) -> tuple[str, ...]:
    """Parse a file's text once, however many modules lead to it."""
    return tuple(_walk_imports(ast.parse(source)))


def _walk_imports(tree: ast.AST) -> Iterator[str]:
    for node in _walk_runtime_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if _is_own(alias.name))
        elif isinstance(node, ast.ImportFrom) and node.module and _is_own(node.module):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _walk_runtime_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield every node except those for type checkers only."""
    nodes = ast.iter_child_nodes(tree)
    if isinstance(tree, ast.If) and isinstance(tree.test, ast.Name) and tree.test.id == "TYPE_CHECKING":
        nodes = iter(tree.orelse)
    for node in nodes:
        yield node
        yield from _walk_runtime_nodes(node)


def _is_own(name: str) -> bool:
    return name.partition(".")[0] in PACKAGES


def _list_parents(name: str) -> Iterator[str]:
    parts = name.split(".")
    return (".".join(parts[:count]) for count in range(1, len(parts)))


def _find_file(root: Path, name: str) -> Path | None:
    path = root.joinpath(*name.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)
