"""The analysis after a promotion passes only with present and good figures, evaluated by the real engines.

Prometheus' own engine works out each query over series that are made up here; Argo Rollouts' own code then judges what
came of it by the conditions beside the query.
"""

import json
import shutil
import subprocess
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml

from rollouts.checks.compare import WORDS
from rollouts.checks.verdict import Outcome
from tests.support import manifests
from tests.support.promtool import ANOTHER, HASH, Series, found
from tests.support.schemas import CACHE, ROLLOUTS, source

pytestmark = pytest.mark.slow

EVALUATE = Path(__file__).parents[2] / "rollouts" / "evaluate.go"
(TEMPLATE,) = (one for one in manifests.of_kind("AnalysisTemplate") if one["metadata"]["name"] == "post-promotion")
METRICS = {one["name"]: one for one in TEMPLATE["spec"]["metrics"] if "prometheus" in one["provider"]}


def requests(status: str, route: str = "/score", pods: str = HASH) -> str:
    """A series of the service."""
    return f'pr_sentinel_requests_total{{route="{route}",status="{status}",rollouts_pod_template_hash="{pods}"}}'


def scored(level: str, pods: str = HASH, route: str = "/score") -> str:
    """A series of the service."""
    return f'pr_sentinel_scored_total{{route="{route}",level="{level}",rollouts_pod_template_hash="{pods}"}}'


def gauge(name: str, pod: int, pods: str = HASH) -> str:
    """A series of a pod."""
    return f'{name}{{instance="10.0.0.{pod}:3000",rollouts_pod_template_hash="{pods}"}}'


def times(rate: float, quick: float, pods: str = HASH, route: str = "/score") -> Series:
    """Requests in a second, and how many of them took at most 250 ms; the others took up to a second."""
    name, labels = "pr_sentinel_request_seconds", f'route="{route}",rollouts_pod_template_hash="{pods}"'
    buckets = {"0.1": quick, "0.25": quick, "1.0": rate, "+Inf": rate}
    found = {f'{name}_bucket{{le="{bound}",{labels}}}': count for bound, count in buckets.items()}
    return found | {f"{name}_count{{{labels}}}": rate}


READY = {gauge("up", pod): 1.0 for pod in (1, 2)} | {gauge("pr_sentinel_ready", pod): 1.0 for pod in (1, 2)}
CHECK, DELIVERY, WEBHOOK = "check", "delivery", "/webhook"
REPLAY: dict[str, Series] = {
    "answers": {requests("200", CHECK): 2},
    "latency": times(2, 2, route=CHECK),
    "flagged": {scored("standard", route=CHECK): 2},
}
"""What an analysis replays to a service that nobody asks, by metric."""
PASSED: list[tuple[str, Series]] = [
    *REPLAY.items(),
    # One failure in a minute may be chance.
    ("answers", REPLAY["answers"] | {requests("500"): 1 / 60}),
    ("answers", REPLAY["answers"] | {requests("202", WEBHOOK): 0.05, requests("200", DELIVERY): 0.05}),
    ("answers", {requests("202", WEBHOOK): 0.5, requests("200", DELIVERY): 0.5}),
    # With enough requests of people, the replayed ones don't count.
    ("answers", {requests("200"): 2, requests("500", CHECK): 2}),
    ("latency", times(2, 2) | times(2, 0, route=CHECK)),
    ("latency", times(1, 1, route=DELIVERY)),
    ("latency", REPLAY["latency"] | times(0.05, 0.05, route=DELIVERY)),
    ("flagged", {scored("standard"): 2, scored("high", route=CHECK): 2}),
    ("flagged", REPLAY["flagged"] | {scored("high", route=WEBHOOK): 0.1}),
    ("answers", {requests("200"): 2}),
    ("answers", {requests("200"): 2, requests("422"): 2, requests("200", "/metrics"): 1}),
    ("answers", {requests("200"): 2, requests("500"): 0.01}),
    ("answers", {requests("200"): 2, requests("500", pods=ANOTHER): 5}),
    ("latency", times(2, 2)),
    ("latency", times(2, 2) | times(2, 0, ANOTHER)),
    ("flagged", {scored("standard"): 2}),
    ("flagged", {scored("standard"): 2, scored("unusual"): 0.1, scored("high"): 0.1}),
    ("readiness", READY),
    ("readiness", READY | {gauge("up", 3, ANOTHER): 0}),
]
FAILED: list[tuple[str, Series]] = [
    ("answers", {requests("200", CHECK): 1.9, requests("500", CHECK): 0.1}),
    ("latency", times(2, 1.9, route=CHECK)),
    ("flagged", {scored("standard", route=CHECK): 1, scored("high", route=CHECK): 1}),
    # Requests of people, though too few to be judged by themselves.
    ("answers", REPLAY["answers"] | {requests("500", DELIVERY): 0.05}),
    ("answers", REPLAY["answers"] | {requests("202", WEBHOOK): 0.1, requests("500", DELIVERY): 0.1}),
    ("latency", REPLAY["latency"] | times(0.1, 0, route=DELIVERY)),
    ("flagged", {scored("standard", route=CHECK): 0.5, scored("high", route=WEBHOOK): 0.3}),
    # Enough requests of people, which no replay may water down.
    ("answers", {requests("200", CHECK): 100, requests("200"): 1, requests("500"): 0.1}),
    ("answers", {requests("200", CHECK): 100, requests("202", WEBHOOK): 0.5, requests("500", DELIVERY): 0.5}),
    ("latency", times(100, 100, route=CHECK) | times(1, 0.5, route=DELIVERY)),
    ("flagged", {scored("standard", route=CHECK): 100, scored("standard"): 1, scored("high", route=WEBHOOK): 1}),
    ("answers", {requests("200"): 2, requests("500"): 0.1}),
    ("answers", {requests("503"): 2}),
    ("answers", {requests("499"): 2}),
    ("answers", {requests("200"): 2, requests("500", "/webhook"): 1}),
    ("latency", times(2, 1.9)),
    ("latency", times(2, 0)),
    ("flagged", {scored("standard"): 2, scored("unusual"): 1}),
    ("flagged", {scored("high"): 2}),
    ("readiness", READY | {gauge("up", 2): 0}),
    ("readiness", READY | {gauge("pr_sentinel_ready", 2): 0}),
    ("readiness", {gauge("up", 1): 0}),
]
OPEN: list[tuple[str, Series]] = [
    ("answers", {requests("200", CHECK): 0.1}),
    ("answers", {requests("200", CHECK, ANOTHER): 2}),
    ("latency", times(2, 2, ANOTHER, CHECK)),
    ("flagged", {scored("standard", ANOTHER, CHECK): 2}),
    *((name, {}) for name in METRICS),
    ("answers", {requests("200"): 0.1}),
    ("answers", {requests("500"): 0.1}),
    ("answers", {requests("200"): 0}),
    ("answers", {requests("200", "/metrics"): 2, requests("200", "/readyz"): 2}),
    ("answers", {requests("200", pods=ANOTHER): 2}),
    ("latency", times(0.1, 0.1)),
    ("latency", times(0, 0)),
    ("latency", times(2, 2, ANOTHER)),
    ("flagged", {scored("standard"): 0.1}),
    ("flagged", {scored("standard"): 0}),
    ("flagged", {scored("standard", ANOTHER): 2}),
    ("readiness", {gauge("up", 1): 1}),
    ("readiness", {name.replace(HASH, ANOTHER): value for name, value in READY.items()}),
]


@pytest.fixture(scope="session")
def evaluate() -> Path:
    """A program around what Argo Rollouts judges results with."""
    kept = f"evaluate-{ROLLOUTS.rpartition('@')[2]}-{sha256(EVALUATE.read_bytes()).hexdigest()[:8]}"
    module, target = source(ROLLOUTS), CACHE / kept
    program = target / "evaluate"
    if not program.is_file():
        for part in ("utils/evaluate", "pkg/apis"):
            shutil.copytree(module / part, target / part, copy_function=shutil.copyfile, dirs_exist_ok=True)
        for name in ("go.mod", "go.sum"):
            shutil.copyfile(module / name, target / name)
        (target / "main").mkdir(exist_ok=True)
        shutil.copyfile(EVALUATE, target / "main" / "main.go")
        subprocess.run(["go", "build", "-o", program, "./main"], cwd=target, check=True)
    return program


def phases(evaluate: Path, metric: dict[str, Any], results: Sequence[Any], kind: str = "Result") -> list[str]:
    """Evaluate each result, or each answer of a web service; None stands for NaN."""
    conditions = {"Success": metric["successCondition"], "Failure": metric["failureCondition"]}
    asked = "\n".join(json.dumps({**conditions, kind: result}) for result in results)
    done = subprocess.run([evaluate], input=asked, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.mark.parametrize("name", METRICS)
def test_no_data_and_no_number_are_neither_yes_nor_no(name: str, evaluate: Path) -> None:
    """Nor are several results, of which none would be the right one."""
    assert phases(evaluate, METRICS[name], [[], [None], [0.0, 0.0], [1.0, 1.0]]) == ["Inconclusive"] * 4


def test_only_better_is_a_success_and_only_worse_a_failure(evaluate: Path) -> None:
    """Of a comparison; what names no verdict, or another, decides nothing."""
    template = yaml.safe_load((manifests.ROOT / "rollouts" / "split" / "comparison.yaml").read_text("utf-8"))
    (metric,) = template["spec"]["metrics"]
    answers = [{"verdict": WORDS[outcome], "lines": []} for outcome in Outcome]
    found = phases(evaluate, metric, [*answers, {"verdict": ""}, {"verdict": None}, {"detail": "away"}], "Answer")
    assert found == ["Successful", "Failed", *["Inconclusive"] * 4]
    assert all(one.startswith("Error") for one in phases(evaluate, metric, ["better", 1, ["better"]], "Answer"))


@pytest.mark.parametrize("name", METRICS)
def test_good_and_bad_figures_are_distinguished(name: str, evaluate: Path) -> None:
    """The limit itself is good."""
    good, limit, bad = {
        "answers": (0.0, 0.01, 0.0101),
        "latency": (0.01, 0.25, 0.2501),
        "flagged": (0.0, 0.2, 0.2001),
        "readiness": (1.0, 1.0, 0.0),
    }[name]
    assert phases(evaluate, METRICS[name], [[good], [limit], [bad]]) == ["Successful", "Successful", "Failed"]


@pytest.mark.parametrize(
    ("phase", "name", "series"),
    [
        (phase, *case)
        for phase, cases in (("Successful", PASSED), ("Failed", FAILED), ("Inconclusive", OPEN))
        for case in cases
    ],
)
def test_series_are_judged_as_they_should_be(
    phase: str, name: str, series: Series, evaluate: Path, tmp_path: Path
) -> None:
    """Each query over series of three minutes, at their end."""
    assert phases(evaluate, METRICS[name], [found(METRICS[name], series, tmp_path)]) == [phase]
