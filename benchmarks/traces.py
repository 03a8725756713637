"""What traces cost: the service with and without an endpoint for them, `python -m benchmarks.traces`.

Both run at the same time, one worker each, and get the same requests in turns, so that other load on this machine
affects both. Every request is recorded and sent to a receiver on this machine, as by default; `--share` records fewer.
"""

import argparse
import asyncio
import json
import statistics
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.serve import prepare, run_server
from benchmarks.serving import client
from benchmarks.serving.servers import OURS, Server
from samples import raw
from tests.support.otlp_receiver import receiving

TURNS = 300
REQUESTS = 20
RESAMPLES = 2_000


def main() -> None:
    """Print the median response time of both, and what traces add."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--state", type=Path, help="state folder of a `make run`, to use its model")
    parser.add_argument("--share", type=float, default=1.0, help="the share of requests that are recorded")
    given = parser.parse_args()
    with prepare(given.state) as (bento, settings), receiving() as receiver:
        sampler = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": str(given.share)}
        traced = settings | sampler | {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.address}
        with run_server(OURS, bento, settings) as without, run_server(OURS, bento, traced) as with_traces:
            times = measure_in_turns((without, with_traces))
        if not receiver.raw:
            raise SystemExit("No trace was received.")
    low, middle, high = estimate_ratio(*times)
    plain, own = (statistics.median(turn for turns in one for turn in turns) for one in times)
    print(f"p50 {plain:.2f} ms without traces, {own:.2f} ms with {given.share:.0%} of the requests recorded:")
    print(f"{100 * (middle - 1):+.1f} % (95 % interval {100 * (low - 1):+.1f} to {100 * (high - 1):+.1f})")


def measure_in_turns(both: Sequence[Server]) -> list[list[list[float]]]:
    """Return the response times [ms] of both servers, by turn; the order changes with every turn."""
    bodies = [json.dumps({"pull_requests": [pull]}).encode() for pull in raw.build_newest(100)]
    requests = [[client.build_request(one.port, body) for body in bodies] for one in both]
    times: list[list[list[float]]] = [[], []]
    for turn in range(-TURNS // 10, TURNS):
        for place in (0, 1) if turn % 2 else (1, 0):
            first = turn * REQUESTS % len(bodies)
            sent = requests[place][first : first + REQUESTS]
            figures = asyncio.run(client.send(both[place].port, sent, REQUESTS, 1))
            if figures.failures:
                raise SystemExit(f"{figures.failures} requests failed.")
            if turn >= 0:
                times[place].append(figures.times)
    return times


def estimate_ratio(plain: Sequence[Sequence[float]], own: Sequence[Sequence[float]]) -> tuple[float, float, float]:
    """Estimate the ratio of the medians, with a 95 % interval from resampled turns."""
    before, after = np.array(plain), np.array(own)
    picks = np.random.default_rng(0).integers(len(before), size=(RESAMPLES, len(before)))
    ratios = [np.median(after[pick]) / np.median(before[pick]) for pick in picks]
    low, high = np.quantile(ratios, [0.025, 0.975])
    return float(low), float(np.median(after) / np.median(before)), float(high)


if __name__ == "__main__":
    main()
