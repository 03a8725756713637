"""The modules that decide, each with the tests that must notice when it decides otherwise."""

from pathlib import Path

UNIT = "tests/unit"
CHECKS = ("behaviour", "golden", "identity", "verdict")

TARGETS: dict[str, tuple[str, ...]] = {
    "steps/register/gate.py": (f"{UNIT}/test_register_gate.py",),
    "steps/register/evidence.py": (f"{UNIT}/test_register_gate.py",),
    **{f"rollouts/checks/{name}.py": (f"{UNIT}/test_checks_{name}.py",) for name in CHECKS},
}
"""Tests by the module that they hold."""


def select(root: Path, changed: list[str]) -> list[str]:
    """Return the modules that are changed themselves, or whose tests are, and that exist below `root`."""
    names = set(changed)
    return [module for module, tests in TARGETS.items() if (root / module).is_file() and names & {module, *tests}]
