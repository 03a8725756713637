"""The service under load: headless Locust that ends with 0 only if every limit of `settings.py` held; `make load`."""

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

HEADERS = {"Content-Type": "application/json"}


class Shared:
    """What the users share."""

    settings: ClassVar[LoadSettings]
    sendings: ClassVar[Iterator[pulls.Sending]]
    digest: ClassVar[str]
    measured: ClassVar[gate.Measured] = gate.Measured()


class Bounded(LoadTestShape):
    """All users from the start, and an end."""

    def tick(self) -> tuple[int, float] | None:
        """The users that there should be now, and how many to add in a second; None at the end."""
        users = Shared.settings.users
        return (users, users) if self.get_run_time() < Shared.settings.seconds else None  # type: ignore[no-untyped-call]


class Caller(FastHttpUser):
    """Has pull requests scored, one request after the other."""

    def __init__(self, environment: Environment) -> None:
        self.network_timeout = self.connection_timeout = Shared.settings.patience
        super().__init__(environment)

    def wait_time(self) -> float:
        """Each user's part of the rate on average; people don't come in step."""
        return random.uniform(0, 2 * Shared.settings.users / Shared.settings.rate)  # noqa: S311

    @task
    def score(self) -> None:
        """Send some and look at the answer."""
        sending = next(Shared.sendings)
        name = gate.SINGLE if len(sending.ids) == 1 else gate.LIST
        with self.client.post(
            "/score", data=sending.body.decode(), headers=HEADERS, name=name, catch_response=True
        ) as response:
            try:
                answers.check(sending.ids, response.status_code, response.headers, response.content, Shared.digest)
            except (answers.Failed, answers.WrongModel, answers.WrongAnswer) as error:
                response.failure(error)


@events.request.add_listener  # type: ignore[untyped-decorator]
def count(name: str, response_time: float, exception: Exception | None, **_: Any) -> None:
    """Only the times of right answers count as times."""
    if exception is None:
        Shared.measured.times[name].append(response_time)
    elif isinstance(exception, answers.WrongModel):
        Shared.measured.wrong_model[str(exception)] += 1
    elif isinstance(exception, answers.WrongAnswer):
        Shared.measured.wrong_answers[str(exception)] += 1
    else:
        Shared.measured.failures[str(exception)] += 1


@events.init.add_listener  # type: ignore[untyped-decorator]
def prepare(environment: Environment, **_: Any) -> None:
    """Read the settings and ask which model answers, before anything is sent."""
    environment.process_exit_code = 1  # until the verdict says otherwise
    logging.getLogger("locust.stats_logger").disabled = True  # its tables; the one below says it all
    try:
        Shared.settings = LoadSettings()
        Shared.sendings = pulls.sendings(pulls.pull_requests(Shared.settings.pull_requests))
    except ValidationError as error:
        named = ", ".join(f"LOAD_{str(one['loc'][0]).upper()} ({one['msg']})" for one in error.errors())
        raise SystemExit(f"Load test: not started; settings that can't be used: {named}") from None
    except (OSError, ValueError) as error:
        raise SystemExit(f"Load test: not started; {Shared.settings.pull_requests} can't be used: {error}") from None
    environment.stop_timeout = Shared.settings.patience + 1
    Shared.digest = expected(str(environment.host))


def expected(host: str) -> str:
    """The digest that every answer must name: the one that was given, which the service has to have, or its own."""
    try:
        with urlopen(f"{host}/model", timeout=Shared.settings.patience) as answer:  # noqa: S310 - what the user named
            found = str(json.load(answer)["digest"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise SystemExit(f"Load test: failed; the service at {host} does not tell its model: {error}") from None
    wanted = Shared.settings.model_digest or found
    if found != wanted:
        raise SystemExit(f"Load test: failed; wrong model: {host} has {found}, expected is {wanted}")
    return wanted


@events.test_start.add_listener  # type: ignore[untyped-decorator]
def start(**_: Any) -> None:
    """Begin the time that the throughput is measured by."""
    Shared.measured.seconds = -time.perf_counter()


@events.quitting.add_listener  # type: ignore[untyped-decorator]
def conclude(environment: Environment, **_: Any) -> None:
    """Say the verdict, and make it the exit code."""
    Shared.measured.seconds += time.perf_counter()
    settings = Shared.settings
    limits = gate.Limits(settings.p95_ms, settings.p99_ms, settings.failure_share, settings.throughput)
    broken = gate.broken(Shared.measured, limits)
    print(gate.table(Shared.measured))  # noqa: T201 - a command's output
    for line in broken:
        print(f"BROKEN  {line}")  # noqa: T201
    print(f"Load test: {'failed' if broken else 'passed'}")  # noqa: T201
    environment.process_exit_code = 1 if broken else 0
