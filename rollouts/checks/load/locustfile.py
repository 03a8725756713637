"""The load test, for headless Locust (`make load`); exits with 0 only if every limit of `settings.py` held."""

import json
import logging
import random
import time
from collections.abc import Iterator
from typing import Any, ClassVar
from urllib.request import urlopen

from locust import FastHttpUser, LoadTestShape, events, task
from locust.env import Environment
from pydantic import ValidationError

from rollouts.checks.load import answers, gate, pulls
from rollouts.checks.load.settings import LoadSettings
from steps.serve.contract import CHECK_HEADER

HEADERS = {"Content-Type": "application/json", CHECK_HEADER: "load"}


class SharedState:
    """State shared by all users."""

    settings: ClassVar[LoadSettings]
    requests: ClassVar[Iterator[pulls.ScoringRequest]]
    digest: ClassVar[str]
    measured: ClassVar[gate.LoadMeasurements] = gate.LoadMeasurements()


class FixedDuration(LoadTestShape):
    """All users from the start, for a fixed duration."""

    def tick(self) -> tuple[int, float] | None:
        """Return the number of users and the spawn rate; None at the end."""
        users = SharedState.settings.users
        return (users, users) if self.get_run_time() < SharedState.settings.seconds else None  # type: ignore[no-untyped-call]


class ScoringUser(FastHttpUser):
    """A user that sends one request after the other."""

    def __init__(self, environment: Environment) -> None:
        self.network_timeout = self.connection_timeout = SharedState.settings.patience
        super().__init__(environment)

    def wait_time(self) -> float:
        """Return a random wait that gives each user its share of the rate on average."""
        return random.uniform(0, 2 * SharedState.settings.users / SharedState.settings.rate)  # noqa: S311

    @task
    def score(self) -> None:
        """Send a request and check the answer."""
        sending = next(SharedState.requests)
        name = gate.SINGLE if len(sending.ids) == 1 else gate.LIST
        with self.client.post(
            "/score", data=sending.body.decode(), headers=HEADERS, name=name, catch_response=True
        ) as response:
            try:
                answers.check(sending.ids, response.status_code, response.headers, response.content, SharedState.digest)
            except (answers.RequestFailed, answers.WrongModel, answers.WrongAnswer) as error:
                response.failure(error)


@events.request.add_listener  # type: ignore[untyped-decorator]
def count(name: str, response_time: float, exception: Exception | None, **_: Any) -> None:
    """Count a finished request; only correct answers contribute a time."""
    if exception is None:
        SharedState.measured.times[name].append(response_time)
    elif isinstance(exception, answers.WrongModel):
        SharedState.measured.wrong_model[str(exception)] += 1
    elif isinstance(exception, answers.WrongAnswer):
        SharedState.measured.wrong_answers[str(exception)] += 1
    else:
        SharedState.measured.failures[str(exception)] += 1


@events.init.add_listener  # type: ignore[untyped-decorator]
def prepare(environment: Environment, **_: Any) -> None:
    """Read the settings and check the model before the test starts."""
    environment.process_exit_code = 1  # until the limits are checked
    logging.getLogger("locust.stats_logger").disabled = True  # replaced by the table below
    try:
        SharedState.settings = LoadSettings()
        SharedState.requests = pulls.generate_requests(pulls.load_pull_requests(SharedState.settings.pull_requests))
    except ValidationError as error:
        named = ", ".join(f"LOAD_{str(one['loc'][0]).upper()} ({one['msg']})" for one in error.errors())
        raise SystemExit(f"Load test: not started; invalid settings: {named}") from None
    except (OSError, ValueError) as error:
        raise SystemExit(
            f"Load test: not started; {SharedState.settings.pull_requests} can't be used: {error}"
        ) from None
    environment.stop_timeout = SharedState.settings.patience + 1
    SharedState.digest = check_model(str(environment.host))


def check_model(host: str) -> str:
    """Return the digest that every answer must name: the configured one, which the service must have, or its own."""
    try:
        with urlopen(f"{host}/model", timeout=SharedState.settings.patience) as answer:  # noqa: S310 - the user's own URL
            found = str(json.load(answer)["digest"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise SystemExit(f"Load test: failed; the service at {host} does not report its model: {error}") from None
    wanted = SharedState.settings.model_digest or found
    if found != wanted:
        raise SystemExit(f"Load test: failed; wrong model: {host} has {found}, expected {wanted}")
    return wanted


@events.test_start.add_listener  # type: ignore[untyped-decorator]
def start(**_: Any) -> None:
    """Start the clock for the throughput."""
    SharedState.measured.seconds = -time.perf_counter()


@events.quitting.add_listener  # type: ignore[untyped-decorator]
def conclude(environment: Environment, **_: Any) -> None:
    """Print the verdict and set the exit code."""
    SharedState.measured.seconds += time.perf_counter()
    settings = SharedState.settings
    limits = gate.LoadLimits(settings.p95_ms, settings.p99_ms, settings.failure_share, settings.throughput)
    broken = gate.find_broken_limits(SharedState.measured, limits)
    print(gate.format_table(SharedState.measured))  # noqa: T201 - a command's output
    for line in broken:
        print(f"BROKEN  {line}")  # noqa: T201
    print(f"Load test: {'failed' if broken else 'passed'}")  # noqa: T201
    environment.process_exit_code = 1 if broken else 0
