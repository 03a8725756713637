"""`make load` says yes to a good service alone: each kind of bad one is refused for its own reason."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.load import services

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]


def load(address: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """The command of `make load`, for a short time and with generous limits."""
    found = {
        "LOAD_SECONDS": "3",
        "LOAD_USERS": "30",
        "LOAD_P95_MS": "400",
        "LOAD_P99_MS": "450",
        "LOAD_THROUGHPUT": "20",
    } | settings
    environment = os.environ | found
    command = [
        sys.executable,
        "-m",
        "locust",
        "-f",
        "rollouts/checks/load/locustfile.py",
        "--headless",
        "--host",
        address,
    ]
    command += ["--loglevel", "WARNING"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_make_load_runs_this_command() -> None:
    """`make load URL=...`."""
    command = ["make", "--dry-run", "--always-make", "load", "URL=http://127.0.0.1:3000"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert '-m locust -f rollouts/checks/load/locustfile.py --headless --loglevel WARNING --host "$URL"' in printed


def test_a_good_service_passes() -> None:
    """With figures on its way."""
    with services.running(services.Service()) as address:
        done = load(address)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Load test: passed" in done.stdout
    assert "BROKEN" not in done.stdout


@pytest.mark.parametrize(
    ("service", "reason"),
    [
        (services.Slow(), "p95: "),
        (services.Failing(), "failures: "),
        (services.WrongInBody(), "wrong model: "),
        (services.WrongInHeader(), "wrong model: "),
        (services.Missing(), "wrong answers: "),
        (services.NotANumber(), "wrong answers: "),
        (services.Reordered(), "wrong answers: "),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_bad_service_fails_for_its_own_reason(service: services.Service, reason: str) -> None:
    """The verdict names what is broken."""
    with services.running(service) as address:
        done = load(address)
    broken = [line for line in done.stdout.splitlines() if line.startswith("BROKEN")]
    assert done.returncode == 1
    assert any(line.startswith(f"BROKEN  {reason}") for line in broken), done.stdout + done.stderr
    assert "Load test: failed" in done.stdout


def test_a_service_that_never_answers_fails() -> None:
    """Users give up after LOAD_PATIENCE seconds."""
    with services.running(services.Silent()) as address:
        done = load(address, LOAD_PATIENCE="1")
    assert done.returncode == 1
    assert "no answer" in done.stdout
    assert "no correct answer to measure" in done.stdout


def test_too_few_requests_give_no_result() -> None:
    """However good they were."""
    with services.running(services.Service()) as address:
        done = load(address, LOAD_RATE="10", LOAD_THROUGHPUT="1")
    assert done.returncode == 1
    assert [line for line in done.stdout.splitlines() if "BROKEN" in line] == [
        line for line in done.stdout.splitlines() if "too few requests" in line
    ]


def test_an_unreachable_service_fails_with_a_message() -> None:
    """Nothing is sent."""
    done = load("http://127.0.0.1:9", LOAD_SECONDS="30")
    assert done.returncode == 1
    assert "Load test: failed; the service at http://127.0.0.1:9 does not report its model" in done.stderr
    assert "Traceback" not in done.stderr


def test_another_model_than_expected_fails_before_anything_is_sent() -> None:
    """`LOAD_MODEL_DIGEST` is what must answer."""
    with services.running(services.Service()) as address:
        done = load(address, LOAD_MODEL_DIGEST=services.ANOTHER)
    assert done.returncode == 1
    assert f"wrong model: {address} has {services.DIGEST}" in done.stderr
