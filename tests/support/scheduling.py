"""Which tests stay in one process of pytest-xdist: those of a module, and modules that share what is slow to make."""

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

HERE = "tests/integration"
TOGETHER: dict[str, tuple[str, ...]] = {
    "many runs, one after the other": (f"{HERE}/test_kill_matrix.py",),
    "a clone in an odd place": (f"{HERE}/test_odd_clone.py",),
    "a clone with another Python": (f"{HERE}/test_first_run.py",),
    "nights of poisoned data": (f"{HERE}/test_poisoning.py",),
    "the sample run's folder, which only one run may use at a time": (
        f"{HERE}/test_backtest.py",
        f"{HERE}/test_backup",
        f"{HERE}/test_lineage_pipeline.py",
        f"{HERE}/test_local_pipeline.py",
        f"{HERE}/test_trace_pipeline.py",
    ),
    "one training, and what is left of those that are killed": (f"{HERE}/train/",),
    "one Java process": (f"{HERE}/test_preprocess_",),
    "trainings to register, and their store": (f"{HERE}/register/",),
    "the service's own processes and the sample run": (
        f"{HERE}/serve/test_champion.py",
        f"{HERE}/serve/test_image_command.py",
        f"{HERE}/serve/test_serve_command.py",
    ),
    "two versions of the service": (f"{HERE}/checks/test_checks_",),
    "hundreds of deliveries": (f"{HERE}/webhook/test_webhook_sweep.py",),
    "thousands of requests": (f"{HERE}/serve/test_schema.py",),
    "thousands of bodies": ("tests/unit/test_fuzz_targets.py",),
}
"""Beginnings of test ids, by what the tests have in common; the first take longest, and begin first.

A process that needs the sample run while another makes it would wait, so what needs it too comes later.
"""


def scope_of(nodeid: str) -> str:
    """Return the name of what must not be spread over processes: a group of modules, or the test's module."""
    for name, beginnings in TOGETHER.items():
        if nodeid.startswith(beginnings):
            return name
    return nodeid.partition("::")[0]


def rank(nodeid: str) -> int:
    """Return a test's place in the order of beginning: replays and groups first, what is short last."""
    if nodeid.startswith("tests/real/test_replay"):
        return -1
    groups = [*TOGETHER]
    scope = scope_of(nodeid)
    return groups.index(scope) if scope in groups else len(groups) + (not nodeid.startswith(HERE))


class SharedFixtureScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Pytest-xdist's scheduling by scope, with the scopes of this project."""

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)
