"""Which tests reach which lines of a module, and how long they take."""

import ast
import json
import time
from collections.abc import Sequence
from pathlib import Path

import coverage
import pytest

SHARED = "shared"
"""What fixtures do, which may be for several tests."""


class Tracer:
    """A plugin that notes the lines of a file that each test reaches.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._coverage = coverage.Coverage(data_file=None, config_file=False, include=[str(path)], messages=False)
        self._seconds: dict[str, float] = {}
        self._began = 0.0
        self._coverage.start()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Begin a test."""
        self._began = time.monotonic()
        self._coverage.switch_context(SHARED)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        """Note what is reached under the name of the test."""
        self._coverage.switch_context(item.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        """End the test."""
        self._coverage.switch_context(SHARED)
        self._seconds[item.nodeid] = time.monotonic() - self._began

    def write(self, path: Path) -> None:
        """Write what was noted, for Reach."""
        self._coverage.stop()
        data = self._coverage.get_data()
        lines = {line: names for file in data.measured_files() for line, names in data.contexts_by_lineno(file).items()}
        path.write_text(json.dumps({"seconds": self._seconds, "lines": lines}), "utf-8")


class Reach:
    """What a Tracer has written of a module's tests."""

    def __init__(self, noted: Path, source: str) -> None:
        found = json.loads(noted.read_text("utf-8"))
        self._lines: dict[int, list[str]] = {int(line): names for line, names in found["lines"].items()}
        self._seconds: dict[str, float] = found["seconds"]
        self._statements = [one for one in ast.walk(ast.parse(source)) if isinstance(one, ast.stmt)]

    def select(self, items: Sequence[pytest.Item], line: int) -> list[pytest.Item]:
        """Return the tests that reach the statement at a line, in the order of `sort`."""
        names = {name for one in self._find_statement(line) for name in self._lines.get(one, ())}
        return self.sort([item for item in items if item.nodeid in names or SHARED in names])

    def sort(self, items: Sequence[pytest.Item]) -> list[pytest.Item]:
        """Sort tests, quick ones first; those of a file stay together."""
        files: dict[Path, float] = {}
        for item in items:
            files[item.path] = files.get(item.path, 0) + self._seconds.get(item.nodeid, 0)
        return sorted(items, key=lambda item: (files[item.path], str(item.path), self._seconds.get(item.nodeid, 0)))

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Sort the tests of a run of which this is a plugin."""
        items[:] = self.sort(items)

    def sum_seconds(self, items: Sequence[pytest.Item]) -> float:
        """Return how long tests take together [seconds]."""
        return sum(self._seconds.get(item.nodeid, 0) for item in items)

    def _find_statement(self, line: int) -> range:
        """Return the lines of the innermost statement at a line; of one with a body, those before the body."""
        around = [one for one in self._statements if one.lineno <= line <= (one.end_lineno or one.lineno)]
        if not around:
            return range(line, line + 1)
        inner = min(around, key=lambda one: (one.end_lineno or one.lineno) - one.lineno)
        body = getattr(inner, "body", None)
        end = body[0].lineno if body else (inner.end_lineno or inner.lineno) + 1
        return range(inner.lineno, max(end, line + 1))
