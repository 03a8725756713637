"""Runs the tests of a module on each of its mutants.

One process imports everything and collects the tests. Each mutant has a fork of it, in which the changed functions take
the place of the live ones, and only tests that reach the change run. Where this can't tell, as for a changed constant,
or where no test fails, another fork imports the project anew with the mutant in it, and runs all tests.
"""

import ast
import gc
import importlib.abc
import importlib.machinery
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.mutants import live
from tests.mutants.mutations import Mutant, mutate
from tests.mutants.reach import Reach, Tracer

OWN = ("steps.", "rollouts.", "release.", "local.", "workflows.", "tests.")
"""Beginnings of modules that may be mutants, or import one."""
OPTIONS = ("-x", "-q", "-q", "-s", "-n0", "-p", "no:cacheprovider", "--hypothesis-seed=0", "--slow")
SILENT = ("--assert=plain", "--tb=no")
"""Nobody reads why a test fails, and to find the words takes longer than most tests."""
GRACE_SECONDS = 30
SLOWDOWN = 5
"""The tests of a mutant may take so many times as long as without a change, and GRACE_SECONDS more."""
Run = Callable[[], bool]
"""Runs tests, and returns True if none has failed."""


@dataclass(frozen=True)
class Result:
    """A mutant, whether a test noticed it, and whether only because the tests took too long."""

    mutant: Mutant
    is_killed: bool
    is_late: bool = False


def run(
    root: Path,
    module: str,
    tests: Sequence[str],
    workers: int,
    report: Callable[[Result], None],
    skipped: Collection[str] = (),
) -> None:
    """Report the result of each mutant of a module, as they come.

    Args:
        root: the folder of the project.
        module: the path of the module in it.
        tests: the paths of its tests.
        workers: the number of processes at a time.
        report: a function that is called with each result.
        skipped: the names of mutants that survive, which are reported without being run.

    Raises:
        ValueError: the tests fail without any change.
    """
    os.chdir(root)
    loop = _Loop(root, module, tests, workers, report, skipped)
    pytest.main([*OPTIONS, *SILENT, *tests], plugins=[loop])
    if not loop.is_sound:
        raise ValueError(f"{' '.join(tests)} fail without any change")


class _Loop:
    """Takes the place of pytest's own loop over the collected tests."""

    def __init__(
        self,
        root: Path,
        module: str,
        tests: Sequence[str],
        workers: int,
        report: Callable[[Result], None],
        skipped: Collection[str],
    ) -> None:
        self._module = module
        self._path = root / module
        self._source = self._path.read_text("utf-8")
        self._tests = tests
        self._workers = workers
        self._report = report
        self._skipped = skipped
        self._running: dict[int, tuple[Mutant, bool]] = {}
        """The mutant of each process, and whether it is in the live functions: is to be run anew if none notices it."""
        self._reach: Reach | None = None
        self._seconds = 0.0
        """How long all tests take without a change, with the time to import the project anew; 0 until it is needed."""
        self.is_sound = False
        """Whether the tests succeed without a change: as they are, and, where it is needed, with the project anew."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run all mutants."""
        with tempfile.TemporaryDirectory() as folder:
            noted = Path(folder, "noted")
            if not _wait(_fork(lambda: self._measure(session, noted), 0)):
                return True
            self.is_sound = True
            self._reach = reach = Reach(noted, self._source)
        functions = live.find_functions(self._path)
        gc.freeze()  # else each collection in a fork copies the memory of what it looks at
        for mutant in mutate(self._source):
            if mutant.name in self._skipped:
                self._report(Result(mutant, is_killed=False))
                continue
            changed = live.find_changed(self._source, mutant.tree, self._path)
            chosen = reach.select(session.items, mutant.line)
            while len(self._running) >= self._workers:
                self._take_one()
            if chosen and changed and changed.keys() <= functions.keys():

                def run_live(items: list[pytest.Item] = chosen, code: live.Changed = changed) -> bool:
                    live.replace_code(functions, code)
                    return _run_items(session, items)

                self._start(mutant, run_live, reach.sum_seconds(chosen), is_live=True)
            else:
                self._start_anew(mutant)
        while self._running:
            self._take_one()
        return True

    def _measure(self, session: pytest.Session, noted: Path) -> bool:
        """Run all tests without a change, and write which lines they reach."""
        tracer = Tracer(self._path)
        session.config.pluginmanager.register(tracer)
        succeeded = _run_items(session, session.items)
        tracer.write(noted)
        return succeeded

    def _anew(self, mutant: Mutant) -> Run:
        """Return what imports the project anew, with a mutant in it, and runs all tests."""

        def run_anew() -> bool:
            for name in [name for name in sys.modules if f"{name}.".startswith(OWN) and "tests.mutants" not in name]:
                del sys.modules[name]
            name = self._module.removesuffix(".py").replace("/", ".")
            sys.meta_path.insert(0, _MutantFinder(name, self._path, mutant))
            plugins = [self._reach] if self._reach else []
            return pytest.main([*OPTIONS, *SILENT, *self._tests], plugins) == pytest.ExitCode.OK

        return run_anew

    def _start_anew(self, mutant: Mutant) -> None:
        """Start all tests with the project imported anew; the first time, see whether they succeed without a change."""
        if not self._seconds:
            began = time.monotonic()
            self.is_sound = _wait(_fork(self._anew(Mutant(0, "", "", ast.parse(self._source))), 0))
            self._seconds = time.monotonic() - began
        if self.is_sound:
            self._start(mutant, self._anew(mutant), self._seconds, is_live=False)

    def _start(self, mutant: Mutant, tests: Run, seconds: float, *, is_live: bool) -> None:
        self._running[_fork(tests, seconds)] = mutant, is_live

    def _take_one(self) -> None:
        """Wait for a process; report its mutant, or start what is left to be run."""
        child, status = os.waitpid(-1, 0)
        _end_group(child)
        mutant, is_live = self._running.pop(child)
        if status == 0 and is_live:
            self._start_anew(mutant)
        else:
            is_late = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM
            self._report(Result(mutant, is_killed=status != 0, is_late=is_late))


def _run_items(session: pytest.Session, items: Sequence[pytest.Item]) -> bool:
    """Run tests until one fails, and end what their fixtures have started."""
    for item, following in zip(items, [*items[1:], None], strict=True):
        session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.testsfailed:
            break
    session.config.hook.pytest_sessionfinish(session=session, exitstatus=int(session.testsfailed > 0))
    return session.testsfailed == 0


def _fork(tests: Run, seconds: float) -> int:
    """Fork a process that runs tests, and exits with 1 where one fails or all take too long.

    With 0 seconds there is no limit, and a failure is shown.
    """
    if child := os.fork():
        return child
    code = 1
    try:
        os.setpgid(0, 0)
        signal.alarm(round(GRACE_SECONDS + SLOWDOWN * seconds) if seconds else 0)
        with tempfile.TemporaryDirectory() as scratch, Path(scratch, "log").open("w") as log:
            shown = os.dup(sys.stderr.fileno())
            os.dup2(log.fileno(), sys.stdout.fileno())
            os.dup2(log.fileno(), sys.stderr.fileno())
            os.environ |= {"HYPOTHESIS_STORAGE_DIRECTORY": scratch, "PYTEST_DEBUG_TEMPROOT": scratch}
            code = int(not tests())
            if code and not seconds:
                sys.stdout.flush()
                os.write(shown, Path(log.name).read_bytes())
    finally:
        os._exit(code)


def _wait(child: int) -> bool:
    """Wait for a process, and return True if its tests succeed."""
    _, status = os.waitpid(child, 0)
    _end_group(child)
    return status == 0


def _end_group(child: int) -> None:
    """End what the tests of an ended process have left running."""
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)


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
