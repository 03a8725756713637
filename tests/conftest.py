"""What holds for every test: an environment without settings, slow tests left out unless asked for, a shuffled order.

Options: `--slow` runs the slow tests too, `--only-slow` nothing else; `--shuffle SEED` shuffles modules, and the tests
of each. A test named on the command line runs, slow or not. `--hypothesis-profile=random` tries other examples each
time.
"""

import os
import random
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import pytest
from hypothesis import settings

from tests.support import scheduling
from tests.support.command_line import SETTINGS

settings.register_profile("random", settings.get_profile("ci"), derandomize=False)
LEFT_OUT = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that choose and order tests."""
    group = parser.getgroup("pr-sentinel")
    group.addoption("--slow", action="store_true", help="run the tests marked slow too")
    group.addoption("--only-slow", action="store_true", help="run the tests marked slow and no others")
    group.addoption("--shuffle", metavar="SEED", help="shuffle the modules, and the tests of each, by this seed")


def pytest_configure(config: pytest.Config) -> None:
    """Keep every test, and whatever it starts, away from what a developer's own settings name."""
    for name in SETTINGS:
        os.environ.pop(name, None)
    config.stash[LEFT_OUT] = 0


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Choose the tests to run, put those that share what takes long to make together, and shuffle if asked."""
    _choose(config, items)
    if seed := config.getoption("--shuffle"):
        items[:] = _shuffle(items, seed)
    else:
        items.sort(key=lambda item: scheduling.rank(item.nodeid))


def _choose(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the slow tests, or the others; those that are named by `::` stay."""
    named = tuple(argument for argument in config.invocation_params.args if "::" in argument)
    is_slow = {item: item.get_closest_marker("slow") is not None for item in items}
    if config.getoption("--only-slow"):
        left_out = [item for item in items if not is_slow[item]]
    elif config.getoption("--slow"):
        left_out = []
    else:
        left_out = [item for item in items if is_slow[item] and not item.nodeid.startswith(named or ("\0",))]
        config.stash[LEFT_OUT] = len(left_out)
    if left_out:
        gone = set(left_out)
        items[:] = [item for item in items if item not in gone]
        config.hook.pytest_deselected(items=left_out)


def _shuffle(items: list[pytest.Item], seed: str) -> Iterator[pytest.Item]:
    """Shuffle modules, and tests within each; the same order for the same seed."""
    order = random.Random(seed)
    modules = [[*tests] for _, tests in groupby(items, lambda item: item.nodeid.partition("::")[0])]
    order.shuffle(modules)
    for tests in modules:
        order.shuffle(tests)
        yield from tests


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> scheduling.SharedFixtureScheduling | None:
    """Keep tests that share what takes long to make in one process of pytest-xdist's."""
    return scheduling.SharedFixtureScheduling(config, log) if config.getoption("dist") == "loadscope" else None


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the process that started this one, if pytest-xdist did, how many tests were left out."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = session.config.stash[LEFT_OUT]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a process of pytest-xdist's says, which is the same in each."""
    node.config.stash[LEFT_OUT] = getattr(node, "workeroutput", {}).get("left_out", 0)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name the slow tests that were left out, in one line."""
    if count := config.stash[LEFT_OUT]:
        terminalreporter.write_line(f"{count} slow tests left out: make test-slow")
