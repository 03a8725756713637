"""Functions that are already imported, and their code in a changed module."""

import ast
import gc
import inspect
from pathlib import Path
from types import CodeType, FunctionType

Place = tuple[str, int]
"""The qualified name of a function, and its first line."""
Changed = dict[Place, CodeType]


def find_functions(path: Path) -> dict[Place, list[FunctionType]]:
    """Find every imported function of a file, by its place: methods too, and those that decorators have wrapped."""
    found: dict[Place, list[FunctionType]] = {}
    for one in gc.get_objects():
        if isinstance(one, FunctionType) and one.__code__.co_filename == str(path):
            found.setdefault(_place(one.__code__), []).append(one)
    return found


def find_changed(source: str, tree: ast.Module, path: Path) -> Changed:
    """Return the new code of the functions that a changed tree has changed; empty if it has changed anything else."""
    (rest, functions), (other_rest, others) = (_split(compile(one, path, "exec")) for one in (source, tree))
    if rest != other_rest or functions.keys() != others.keys():
        return {}
    return {place: code for place, code in others.items() if code != functions[place]}


def replace_code(functions: dict[Place, list[FunctionType]], changed: Changed) -> None:
    """Give functions their new code.

    Raises:
        ValueError: the new code needs other variables of the functions around it.
    """
    for place, code in changed.items():
        for function in functions[place]:
            function.__code__ = code


def _place(code: CodeType) -> Place:
    return code.co_qualname, code.co_firstlineno


def _split(code: CodeType) -> tuple[list[object], dict[Place, CodeType]]:
    """Split the code of a module or class into what runs when it is imported, and its functions."""
    consts = tuple(None if isinstance(const, CodeType) else const for const in code.co_consts)
    rest: list[object] = [code.replace(co_consts=consts)]
    functions: dict[Place, CodeType] = {}
    for const in code.co_consts:
        if not isinstance(const, CodeType):
            continue
        if const.co_flags & inspect.CO_OPTIMIZED:
            functions[_place(const)] = const
        else:
            inner_rest, inner = _split(const)
            rest += inner_rest
            functions |= inner
    return rest, functions
