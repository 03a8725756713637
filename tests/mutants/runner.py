"""Runs the tests of a module on each of its mutants, each in a forked process that imports the mutant in its place."""

import ast
import importlib.abc
import importlib.machinery
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.mutants.mutations import Mutant, mutate

OWN = ("steps.", "rollouts.", "release.", "local.", "workflows.", "tests.")
"""Beginnings of modules that may be mutants, or import one."""
TIMEOUT_SECONDS = 120


@dataclass(frozen=True)
class Result:
    """What became of a mutant."""

    module: str
    mutant: Mutant
    killed: bool


def run(root: Path, module: str, tests: Sequence[str], workers: int) -> Iterator[Result]:
    """Yield the result of each mutant of a module, as they come.

    Raises:
        ValueError: the tests fail without any change.
    """
    _preload(tests)
    source = (root / module).read_text("utf-8")
    whole = Mutant(0, "", "", ast.parse(source))
    if _wait(_start(root, module, whole, tests))[1]:
        raise ValueError(f"{' '.join(tests)} fail without any change")
    waiting, running = mutate(source), dict[int, Mutant]()
    more = True
    while more or running:
        while more and len(running) < workers:
            mutant = next(waiting, None)
            more = mutant is not None
            if mutant is not None:
                running[_start(root, module, mutant, tests)] = mutant
        if running:
            child, failed = _wait(-1)
            yield Result(module, running.pop(child), killed=failed)


def _preload(tests: Sequence[str]) -> None:
    """Import what the tests import and no mutant is part of: libraries take much longer than the project's own code."""
    pytest.main(["--collect-only", "-q", "-q", "-n0", "-p", "no:cacheprovider", *tests])
    for name in [name for name in sys.modules if name.startswith(OWN) and not name.startswith("tests.mutants")]:
        del sys.modules[name]


def _start(root: Path, module: str, mutant: Mutant, tests: Sequence[str]) -> int:
    """Fork a process that runs the tests on a mutant, and exits with 1 where one fails."""
    if child := os.fork():
        return child
    code = 1
    try:
        signal.alarm(TIMEOUT_SECONDS)
        with tempfile.TemporaryDirectory() as scratch, Path(scratch, "log").open("w") as log:
            os.dup2(log.fileno(), sys.stdout.fileno())
            os.dup2(log.fileno(), sys.stderr.fileno())
            os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = scratch
            code = _run_tests(root, module, mutant, tests)
    finally:
        os._exit(code)


def _run_tests(root: Path, module: str, mutant: Mutant, tests: Sequence[str]) -> int:
    os.chdir(root)
    sys.meta_path.insert(0, _MutantFinder(module.removesuffix(".py").replace("/", "."), root / module, mutant))
    options = ["-x", "-q", "-n0", "-p", "no:cacheprovider", "--hypothesis-seed=0", "--slow"]
    return int(pytest.main([*options, *tests]) != pytest.ExitCode.OK)


def _wait(child: int) -> tuple[int, bool]:
    """Wait for a process, any if -1; return its id, and whether it failed or was ended."""
    found, status = os.waitpid(child, 0)
    return found, status != 0


class _MutantFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports a mutant under the name of the module that it replaces."""

    def __init__(self, name: str, path: Path, mutant: Mutant) -> None:
        self._name = name
        self._path = path
        self._mutant = mutant

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, origin=str(self._path))

    def exec_module(self, module: ModuleType) -> None:
        vars(module)["__file__"] = str(self._path)
        code: Any = compile(self._mutant.tree, str(self._path), "exec")
        exec(code, vars(module))  # noqa: S102  the project's own code
