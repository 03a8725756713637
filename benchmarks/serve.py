"""The service beside the same model in FastAPI and beside what people usually write: `python -m benchmarks.serve`.

It trains on the samples first, so that there are a model and histories; all servers run at once, one worker each, and
are asked in turns, so that whatever else this machine does falls on all of them.
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
LIST = 1_000
LOOKS = (1_000, 10_000, 50_000, 100_000)
"""After so many requests the memory is looked at."""


class Round(NamedTuple):
    """What one turn showed of a server: requests a second, CPU, and milliseconds at half of that rate."""

    rate: float
    cpu_ms: float
    p50: float
    p95: float
    p99: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, help="a folder where `make run` has left a model, to take that")
    given = parser.parse_args()
    bodies = [json.dumps({"pull_requests": [pull]}).encode() for pull in raw.newest(500)]
    with prepared(given.state) as (folder, settings):
        starts = [started(folder, settings) for _ in range(ROUNDS)]
        with ExitStack() as stack:
            found = [stack.enter_context(server(name, folder, settings)) for name in COMMANDS]
            rounds = [{one.name: turn(one, bodies) for one in found} for _ in range(ROUNDS)]
        print_rounds(rounds)
        print(f"\nStart to the first score: {spread(starts, 1)} s.")
        with server(OURS, folder, settings) as ours:
            whole = raw.newest(LIST)
            print(f"\n{LIST:,} pull requests in one call, as GitHub gives them: {lists(ours, whole)}")
            read = [PullRequest.model_validate(pull).model_dump(mode="json") for pull in whole]
            print(f"{LIST:,} in one call, with the fields that are read alone: {lists(ours, read)}")
            print("\n| requests | MiB |\n| ---: | ---: |")
            for requests, memory in memories(ours, bodies):
                print(f"| {requests:,} | {memory:.0f} |", flush=True)
        subprocess.run([*PYTHON, "benchmarks.serving.stages"], env=os.environ | settings, check=True)


@contextmanager
def prepared(state: Path | None) -> Iterator[tuple[Path, dict[str, str]]]:
    """The champion's Bento of a run on the samples, and what the servers get to know."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        if state is None:
            state = Path(name)
            subprocess.run([*PYTHON, "workflows", "run", "--state", name], stdout=subprocess.DEVNULL, check=True)
        network = Path(name) / "usual.keras"
        command = [*PYTHON, "benchmarks.serving.usual", str(network)]
        subprocess.run(command, stderr=subprocess.DEVNULL, check=True)
        bento = champion.fetch_champion(state).folder
        with embedded.data_services(state.resolve()) as kept:
            own = {"MODEL_DIR": str(bento / "src" / "model"), "USUAL_MODEL": str(network)}
            bentoml = {"BENTOML_HOME": f"{name}/bentoml", "BENTOML_DO_NOT_TRACK": "True"}
            yield bento, {**kept, **own, **bentoml, "PYTHONPATH": str(ROOT)}


@contextmanager
def server(name: str, bento: Path, settings: Mapping[str, str]) -> Iterator[Server]:
    """One of COMMANDS; ours runs from its Bento."""
    cwd = bento / "src" if name == OURS else ROOT
    own = {key: value for key, value in settings.items() if name != OURS or key != "PYTHONPATH"}
    with servers.running(name, own, cwd, raw.newest(1)) as found:
        yield found


def started(bento: Path, settings: Mapping[str, str]) -> float:
    """Seconds from the start of ours to its first score."""
    with server(OURS, bento, settings) as found:
        return found.seconds_to_score


def turn(one: Server, bodies: Sequence[bytes]) -> Round:
    """As fast as it goes, then at half of that rate."""
    requests = [client.request(one.port, body) for body in bodies]
    before = one.cpu_seconds()
    full = asyncio.run(client.saturate(one.port, requests, SECONDS, CONNECTIONS))
    cpu = (one.cpu_seconds() - before) / len(full.times)
    half = asyncio.run(client.at_rate(one.port, requests, SECONDS, full.rate / 2))
    if full.failures or half.failures:
        raise SystemExit(f"{one.name} failed at {full.failures + half.failures} requests.")
    return Round(full.rate, 1_000 * cpu, *(half.percentile(share) for share in (0.5, 0.95, 0.99)))


def lists(one: Server, pulls: Sequence[object]) -> str:
    """How fast it scores calls with a list."""
    body = json.dumps({"pull_requests": pulls}).encode()
    sent = client.request(one.port, body)
    rates = [LIST * asyncio.run(client.saturate(one.port, [sent], SECONDS / 2, 1)).rate for _ in range(ROUNDS)]
    return f"{spread(rates)} a second; {len(body) / 2**20:.1f} MiB."


def memories(one: Server, bodies: Sequence[bytes]) -> Iterator[tuple[int, float]]:
    """The memory of its processes after ever more requests."""
    requests, sent = [client.request(one.port, body) for body in bodies], 0
    for look in LOOKS:
        asyncio.run(client.send(one.port, requests, look - sent, CONNECTIONS))
        sent = look
        time.sleep(2)  # what is written behind the answers
        yield look, one.memory()


def print_rounds(rounds: Sequence[Mapping[str, Round]]) -> None:
    """A line for each server; ratios are taken within a round."""
    print(f"One worker each, {ROUNDS} rounds in turns: lowest to highest; ratios within a round.\n")
    print("| | requests/s | ours is faster | CPU ms per request | p50 ms | p95 ms | p99 ms at half of that rate |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name in COMMANDS:
        own = [one[name] for one in rounds]
        ratios = [one[OURS].rate / one[name].rate for one in rounds]
        cells = [
            spread([one.rate for one in own]),
            f"{spread(ratios, 2)} times" if name != OURS else "",
            spread([one.cpu_ms for one in own], 1),
            *(spread([one[place] for one in own], 1) for place in (2, 3, 4)),
        ]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def spread(values: Sequence[float], digits: int = 0) -> str:
    """The median, and in brackets the lowest and highest."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:,.{digits}f} ({low:,.{digits}f} to {high:,.{digits}f})"


if __name__ == "__main__":
    main()
