"""Prometheus' own tool, and queries that it evaluates over synthetic series."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

HASH, ANOTHER = "7b5c", "66aa"
STEP_SECONDS = 5
Series = dict[str, float]
"""By what they are, what they grow by in a second; those that are not counters have the value."""


def found(metric: dict[str, Any], series: Series, folder: Path) -> list[float | None]:
    """Return Prometheus' results: its tester expects nothing, and prints what it got instead."""
    query = metric["provider"]["prometheus"]["query"].replace("{{args.pod-hash}}", HASH)
    counters = {one: not one.startswith(("up", "pr_sentinel_ready")) for one in series}
    given = [
        {"series": one, "values": f"0+{rate * STEP_SECONDS}x36" if counters[one] else f"{rate}x36"}
        for one, rate in series.items()
    ]
    asked = [{"expr": query, "eval_time": "3m", "exp_samples": []}]
    test = {"interval": f"{STEP_SECONDS}s", "input_series": given, "promql_expr_test": asked}
    (folder / "test.yaml").write_text(yaml.safe_dump({"tests": [test]}))
    done = run_promtool("test", "rules", folder / "test.yaml")
    said = done.stdout + done.stderr
    if done.returncode == 0:
        return []
    _, _, got = said.partition("got:")
    assert got, said
    return [None if "NaN" in line else float(line.split()[-1]) for line in got.strip().splitlines() if line.strip()]


def run_promtool(*arguments: Any) -> "subprocess.CompletedProcess[str]":
    """What Prometheus' own tool says."""
    if not shutil.which("promtool"):
        pytest.skip("promtool, which comes with Prometheus, is not on the PATH")
    return subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, check=False)
