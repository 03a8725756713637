"""The time of one call with many pull requests, by stage: `python -m benchmarks.serving.stages` prints a table.

It runs a request's code in one process, with a clock around each stage.
"""

import asyncio
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import orjson

from samples import raw
from steps.common.settings import ServeSettings, load
from steps.scoring.history import History
from steps.scoring.model import Model
from steps.serve import scorer
from steps.serve.histories import Histories
from steps.serve.http import parsing
from steps.serve.runtime import connect, load_model

COUNT = 1_000
ROUNDS = 7
STAGES = (
    "JSON to plain values",
    "validation",
    "features of the pull request itself",
    "features that need the history",
    "features as an array",
    "model (ONNX, scales, tails)",
    "reasons",
    "everything else",
    "results to JSON",
)


class StageClock:
    """The seconds spent in each stage."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0)

    def wrap(self, stage: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a function so that its time is added to a stage."""

        def run_timed(*given: Any, **named: Any) -> Any:
            begin = time.perf_counter()
            try:
                return work(*given, **named)
            finally:
                self.seconds[stage] += time.perf_counter() - begin

        return run_timed


def measure(count: int) -> dict[str, float]:
    """Return the milliseconds by stage for one call with `count` pull requests; medians of several rounds."""
    body = json.dumps({"pull_requests": raw.build_newest(count)}).encode()
    settings = load(ServeSettings)
    model = load_model(settings.model_dir).model
    histories = Histories(connect(settings))
    whole = [asyncio.run(_measure_once(model, histories, body)) for _ in range(ROUNDS)]
    return {stage: 1_000 * statistics.median(one[stage] for one in whole) for stage in STAGES}


async def _measure_once(model: Model, histories: Histories, body: bytes) -> dict[str, float]:
    clock = StageClock()
    read, validated, _, past, array, scored, reasons, rest, written = STAGES
    items = clock.wrap(read, parsing.parse_json)(body)["pull_requests"]
    pulls = clock.wrap(validated, parsing._PULLS.validate_python)(items)
    pasts = await histories.for_repositories(pull.base.repo.full_name for pull in pulls)
    places: tuple[tuple[Any, str, str], ...] = (
        (scorer, "plain_rows", STAGES[2]),
        (History, "features", past),
        (scorer, "vector", array),
        (Model, "score", scored),
        (scorer, "reasons", reasons),
    )
    before = [getattr(where, name) for where, name, _ in places]
    for where, name, stage in places:
        setattr(where, name, clock.wrap(stage, getattr(where, name)))
    try:
        begin = time.perf_counter()
        inputs = [scorer.ScoreInput(pull, pasts[pull.base.repo.full_name]) for pull in pulls]
        blocks = [inputs[start : start + scorer.BLOCK_SIZE] for start in range(0, len(inputs), scorer.BLOCK_SIZE)]
        found = [one for block in blocks for one in scorer.score(model, block)]
        inside = sum(clock.seconds[stage] for _, _, stage in places)
        clock.seconds[rest] = time.perf_counter() - begin - inside
    finally:
        for (where, name, _), work in zip(places, before, strict=True):
            setattr(where, name, work)
    clock.wrap(written, lambda: orjson.dumps([one.result.model_dump() for one in found]))()
    return clock.seconds


def main() -> None:
    """Measure and print."""
    for count in (1, COUNT):
        found = measure(count)
        total = sum(found.values())
        print(f"\n| {count:,} in one call | ms | share |\n| --- | ---: | ---: |")
        for stage, milliseconds in found.items():
            print(f"| {stage} | {milliseconds:.2f} | {milliseconds / total:.0%} |")
        print(f"| together | {total:.2f} | {1_000 * count / total:,.0f} a second |", flush=True)


if __name__ == "__main__":
    main()
