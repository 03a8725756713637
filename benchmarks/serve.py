"""The service compared with plain FastAPI and with a typical hand-written one: `python -m benchmarks.serve`.

It trains on the samples first, to get a model and histories. All servers run at the same time, one worker each, and are
measured in turns, so that other load on this machine affects all of them.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.serving import client, servers
from benchmarks.serving.servers import COMMANDS, OURS, PYTHON, ROOT, Server
from local import champion
from local.services import embedded
from samples import raw
from steps.common.pull_request import PullRequest

ROUNDS = 3
CONNECTIONS = 16
SECONDS = 6.0
LIST_LENGTH = 1_000
MEMORY_CHECKPOINTS = (1_000, 10_000, 50_000, 100_000)
"""The numbers of requests after which the memory is measured."""


class RoundFigures(NamedTuple):
    """The figures of a server in one round: requests a second, CPU per request, latencies [ms] at half that rate."""

    rate: float
    cpu_ms: float
    p50: float
    p95: float
    p99: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, help="state folder of a `make run`, to use its model")
    given = parser.parse_args()
    bodies = [json.dumps({"pull_requests": [pull]}).encode() for pull in raw.build_newest(500)]
    with prepare(given.state) as (folder, settings):
        starts = [measure_start(folder, settings) for _ in range(ROUNDS)]
        with ExitStack() as stack:
            found = [stack.enter_context(run_server(name, folder, settings)) for name in COMMANDS]
            rounds = [{one.name: run_round(one, bodies) for one in found} for _ in range(ROUNDS)]
        print_rounds(rounds)
        print(f"\nStart to the first score: {format_spread(starts, 1)} s.")
        with run_server(OURS, folder, settings) as ours:
            whole = raw.build_newest(LIST_LENGTH)
            print(f"\n{LIST_LENGTH:,} pull requests in one call, as GitHub returns them: {measure_lists(ours, whole)}")
            read = [PullRequest.model_validate(pull).model_dump(mode="json") for pull in whole]
            print(f"{LIST_LENGTH:,} in one call, with only the fields that are used: {measure_lists(ours, read)}")
            print("\n| requests | MiB |\n| ---: | ---: |")
            for requests, memory in measure_memory(ours, bodies):
                print(f"| {requests:,} | {memory:.0f} |", flush=True)
        subprocess.run([*PYTHON, "benchmarks.serving.stages"], env=os.environ | settings, check=True)


@contextmanager
def prepare(state: Path | None) -> Iterator[tuple[Path, dict[str, str]]]:
    """Yield the champion's Bento of a run on the samples, and the servers' settings."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        if state is None:
            state = Path(name)
            subprocess.run([*PYTHON, "local", "run", "--state", name], stdout=subprocess.DEVNULL, check=True)
        network = Path(name) / "usual.keras"
        command = [*PYTHON, "benchmarks.serving.usual", str(network)]
        subprocess.run(command, stderr=subprocess.DEVNULL, check=True)
        bento = champion.fetch_champion(state).folder
        with embedded.data_services(state.resolve()) as kept:
            own = {"MODEL_DIR": str(bento / "src" / "model"), "USUAL_MODEL": str(network)}
            bentoml = {"BENTOML_HOME": f"{name}/bentoml", "BENTOML_DO_NOT_TRACK": "True"}
            yield bento, {**kept, **own, **bentoml, "PYTHONPATH": str(ROOT)}


@contextmanager
def run_server(name: str, bento: Path, settings: Mapping[str, str]) -> Iterator[Server]:
    """Run one of COMMANDS; ours runs from its Bento."""
    cwd = bento / "src" if name == OURS else ROOT
    own = {key: value for key, value in settings.items() if name != OURS or key != "PYTHONPATH"}
    with servers.run_server(name, own, cwd, raw.build_newest(1)) as found:
        yield found


def measure_start(bento: Path, settings: Mapping[str, str]) -> float:
    """Return the seconds from the start of our service to its first score."""
    with run_server(OURS, bento, settings) as found:
        return found.seconds_to_score


def run_round(one: Server, bodies: Sequence[bytes]) -> RoundFigures:
    """Measure a server at full speed, then at half of that rate."""
    requests = [client.build_request(one.port, body) for body in bodies]
    before = one.cpu_seconds()
    full = asyncio.run(client.saturate(one.port, requests, SECONDS, CONNECTIONS))
    cpu = (one.cpu_seconds() - before) / len(full.times)
    half = asyncio.run(client.at_rate(one.port, requests, SECONDS, full.rate / 2))
    if full.failures or half.failures:
        raise SystemExit(f"{one.name} failed at {full.failures + half.failures} requests.")
    return RoundFigures(full.rate, 1_000 * cpu, *(half.percentile(share) for share in (0.5, 0.95, 0.99)))


def measure_lists(one: Server, pulls: Sequence[object]) -> str:
    """Measure the throughput of calls with a list."""
    body = json.dumps({"pull_requests": pulls}).encode()
    sent = client.build_request(one.port, body)
    rates = [LIST_LENGTH * asyncio.run(client.saturate(one.port, [sent], SECONDS / 2, 1)).rate for _ in range(ROUNDS)]
    return f"{format_spread(rates)} a second; {len(body) / 2**20:.1f} MiB."


def measure_memory(one: Server, bodies: Sequence[bytes]) -> Iterator[tuple[int, float]]:
    """Yield the memory [MiB] of a server's processes after increasing numbers of requests."""
    requests, sent = [client.build_request(one.port, body) for body in bodies], 0
    for look in MEMORY_CHECKPOINTS:
        asyncio.run(client.send(one.port, requests, look - sent, CONNECTIONS))
        sent = look
        time.sleep(2)  # for work after the responses
        yield look, one.memory()


def print_rounds(rounds: Sequence[Mapping[str, RoundFigures]]) -> None:
    """Print a line for each server; ratios are computed within a round."""
    print(f"One worker each, {ROUNDS} rounds in turns: median (lowest to highest); ratios within a round.\n")
    print("| | requests/s | ours is faster | CPU ms per request | p50 ms | p95 ms | p99 ms at half of that rate |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name in COMMANDS:
        own = [one[name] for one in rounds]
        ratios = [one[OURS].rate / one[name].rate for one in rounds]
        cells = [
            format_spread([one.rate for one in own]),
            f"{format_spread(ratios, 2)} times" if name != OURS else "",
            format_spread([one.cpu_ms for one in own], 1),
            *(format_spread([one[place] for one in own], 1) for place in (2, 3, 4)),
        ]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def format_spread(values: Sequence[float], digits: int = 0) -> str:
    """Format the median, with the lowest and highest in brackets."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:,.{digits}f} ({low:,.{digits}f} to {high:,.{digits}f})"


if __name__ == "__main__":
    main()
