"""Measure detection on real or synthetic pull requests: `python -m benchmarks.detection --pulls DIR --json OUT`."""

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from rich.console import Console

from benchmarks.detection import product, records, report
from benchmarks.detection.evaluation import DetectionEvaluation
from benchmarks.detection.judging import Candidate, Candidates, RepositoryPass
from benchmarks.detection.pipeline import PipelineFailed, TrainedPipeline, read_documents
from benchmarks.detection.records import BadRecords, Injected
from benchmarks.detection.replay import serve_records
from benchmarks.detection.scoring import score_all, split_folds
from steps.common.errors import SentinelError
from steps.common.pull_request import PullRequest
from steps.scoring.features import NAMES

JUDGED = "test"
"""The dataset's split that is judged: the later quarter of each repository."""
MIN_WIDTH = 150
"""Columns that the tables need."""

Figures = dict[str, Any]


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.detection", description=__doc__)
    parser.add_argument(
        "--pulls", type=Path, required=True, help="folder of OWNER__REPO.jsonl.gz, one JSON object a line"
    )
    parser.add_argument(
        "--files", type=Path, help="folder of the files that each pull request changed, by the same names"
    )
    parser.add_argument("--injected", type=Path, help="pull requests to inject, as JSON lines with _kind and _into")
    parser.add_argument("--repos", nargs="+", default=[], metavar="OWNER/NAME", help="only these repositories")
    parser.add_argument(
        "--server", type=Path, default=os.environ.get("REPLAY_SERVER"), help="a replay server of your own"
    )
    parser.add_argument("--leave-out", type=int, default=2, metavar="K", help="folds of repositories left out; 0: none")
    parser.add_argument(
        "--alerts", type=int, default=0, metavar="N", help="print the N highest alerts, of repositories left out if any"
    )
    parser.add_argument("--state", type=Path, help="keep documents, datasets and models here; a second run is faster")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path, required=True, help="where to write all figures")
    return parser.parse_args(arguments)


class Narrator:
    """Writes a line about how far the benchmark is, with the seconds since it began."""

    def __init__(self, console: Console) -> None:
        """Start the clock."""
        self._console = console
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since it began."""
        return round(time.monotonic() - self._began, 1)

    def __call__(self, words: str) -> None:
        """Write a line."""
        self._console.print(f"{self.seconds:7.1f} s  {words}", markup=False, highlight=False, soft_wrap=True)


def judge(
    injected: Sequence[Injected] | None,
    whole: TrainedPipeline,
    state: Path,
    names: Sequence[str],
    seed: int,
    tell: Narrator,
) -> Candidates:
    """Go through every repository once; without `injected`, the kinds of the product are injected."""
    later: dict[str, set[int]] = {name: set() for name in names}
    for row in whole.read(JUDGED, ["repository", "number"]):
        later[row["repository"]].add(row["number"])
    histories = whole.histories()
    pulls = read_documents(state, names)
    found: list[Candidate] = []
    for name in names:
        own = [one for one in injected or () if one.repository == name]
        injector = _injector(pulls, name, seed) if injected is None else None
        one_pass = RepositoryPass(product.begin_history(histories[name]), later[name], injector, own)
        found.extend(one_pass.judge(pulls[name]))
        tell(f"{name}: {len(pulls[name]):,} pull requests, {len(found):,} to judge so far")
    return Candidates(found)


def _injector(pulls: Mapping[str, Sequence[PullRequest]], name: str, seed: int) -> product.Injector:
    return product.Injector(product.draw_foreign_texts(pulls, name, seed), seed)


def compare_features(whole: TrainedPipeline, candidates: Candidates) -> Figures:
    """Compare the features of serving, in which everything is judged here, with those that training read."""
    trained = {(row["repository"], row["number"]): row for row in whole.read(JUDGED, ["repository", "number", *NAMES])}
    worst = np.zeros(len(NAMES))
    for place in np.flatnonzero(candidates.real).tolist():
        row = candidates.each[place].row
        expected = product.to_vector(trained[row["repository"], row["number"]])
        worst = np.maximum(worst, np.abs(candidates.features[place] - expected))
    return {"compared": int(candidates.real.sum()), "difference": dict(zip(NAMES, worst.tolist(), strict=True))}


def evaluate(given: argparse.Namespace, state: Path, tell: Narrator) -> Figures:
    """Run the pipeline in both ways, judge, and return all figures."""
    files = records.find_repositories(given.pulls, given.repos)
    with serve_records(given.pulls.resolve(), given.files and given.files.resolve(), given.server, state) as github:
        tell(f"run the pipeline on {len(files)} repositories")
        whole = TrainedPipeline.run(list(files), state, github, tell)
    sizes = {name: share.rows for name, share in whole.dataset.manifest.repositories.items()}
    names = sorted(sizes)
    runs: dict[str, list[tuple[TrainedPipeline, Sequence[str]]]] = {"time_split": [(whole, names)]}
    for fold in split_folds(sizes, given.leave_out) if given.leave_out > 1 and len(names) > 1 else []:
        tell(f"train without {', '.join(fold)}")
        runs.setdefault("left_out", []).append((whole.train_without(fold, state, given.seed), fold))
    tell("judge")
    injected = records.read_injected(given.injected, names) if given.injected else None
    expected = dict(product.EXPECTED) | {one.kind: one.expects for one in injected or () if one.expects}
    candidates = judge(injected, whole, state, names, given.seed, tell)
    labels = records.read_labels(files)
    result: Figures = {
        "repositories": sizes,
        "features": compare_features(whole, candidates),
        "modes": {},
        "alerts": [],
    }
    for mode, trained in runs.items():
        tell(f"score: {mode}")
        scoring = score_all(candidates, trained, given.seed, tell)
        evaluation = DetectionEvaluation(candidates, labels, scoring, given.seed, expected)
        result["modes"][mode] = evaluation.evaluate()
        result["alerts"] = evaluation.alerts(given.alerts)
    return result


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark, write its figures and print them; return the exit code."""
    given, console = parse_arguments(arguments), Console(highlight=False)
    console.width = max(console.width, MIN_WIDTH)
    tell = Narrator(Console(stderr=True))
    with TemporaryDirectory(prefix="detection-") as scratch:
        state = (given.state or Path(scratch)).resolve()
        state.mkdir(parents=True, exist_ok=True)
        try:
            result = evaluate(given, state, tell)
        except (PipelineFailed, SentinelError, BadRecords) as error:
            console.print(f"The benchmark failed: {error}", markup=False, soft_wrap=True)
            return 1
    command = ["python", "-m", "benchmarks.detection", *(arguments if arguments is not None else sys.argv[1:])]
    result = {"command": " ".join(command), "seed": given.seed, "seconds": tell.seconds, **result}
    given.json.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    report.show(result, console)
    tell(f"figures: {given.json}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
