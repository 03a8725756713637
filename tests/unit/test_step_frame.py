"""The frame of a step: its log lines, its exit codes, and the reason that Kubernetes shows."""

import errno
import json
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException
from pymongo.errors import OperationFailure

from steps.common import step_frame
from steps.common.errors import (
    PERMANENT_EXIT_CODES,
    AccessRefused,
    DataError,
    SentinelError,
    StorageFull,
    Unavailable,
)
from steps.common.step_frame import run_step


def lines(captured: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    """Return the log lines."""
    return [json.loads(line) for line in captured.readouterr().err.splitlines()]


def test_a_step_logs_its_start_end_and_seconds(capfd: pytest.CaptureFixture[str]) -> None:
    """As JSON, with the fields of `extra`."""
    with run_step("fetch") as logger:
        logger.info("page", extra={"done": 100})
    first, page, last = lines(capfd)
    assert (first["message"], page["done"], last["message"]) == ("started", 100, "finished")
    assert isinstance(last["seconds"], float)


def test_a_known_error_becomes_one_line_and_an_exit_code(capfd: pytest.CaptureFixture[str]) -> None:
    """The line says what to do and has no traceback."""
    with pytest.raises(SystemExit) as ended, run_step("fetch"):
        raise AccessRefused("The token is not accepted.", advice="Make a new one.")
    assert ended.value.code == AccessRefused.exit_code
    line = lines(capfd)[-1]
    assert (line["error"], line["advice"]) == ("AccessRefused", "Make a new one.")
    assert "exception" not in line


def test_the_termination_log_gets_the_reason_of_a_failure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As one line, if the container has such a file; otherwise none is created."""
    monkeypatch.setattr(step_frame, "TERMINATION_LOG", tmp_path / "termination-log")
    for there in (False, True):
        with pytest.raises(SystemExit), run_step("fetch"):
            raise AccessRefused("The token is not accepted.", advice="Make a new one.")
        assert step_frame.TERMINATION_LOG.exists() == there
        step_frame.TERMINATION_LOG.touch()
    assert step_frame.TERMINATION_LOG.read_text() == "The token is not accepted. Make a new one."


def test_the_termination_log_names_an_unexpected_error_without_its_message(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The message may hold a secret, and more people see a workflow's status than its logs."""
    monkeypatch.setattr(step_frame, "TERMINATION_LOG", tmp_path / "termination-log")
    step_frame.TERMINATION_LOG.touch()
    with pytest.raises(KeyError), run_step("fetch"):
        raise KeyError("mongodb://user:password@host")
    assert step_frame.TERMINATION_LOG.read_text() == "Unexpected KeyError. See the log for its traceback."


def test_the_termination_log_records_a_sigterm(tmp_path: Path) -> None:
    """The step is ended by that signal at once."""
    termination_log = tmp_path / "termination-log"
    termination_log.touch()
    program = """
import pathlib, signal, sys
from steps.common import step_frame
from steps.common.step_frame import run_step
step_frame.TERMINATION_LOG = pathlib.Path(sys.argv[1])
with run_step("fetch"):
    try:
        signal.raise_signal(signal.SIGTERM)
    finally:
        print("went on")
"""
    done = subprocess.run([sys.executable, "-c", program, termination_log], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGTERM, "")
    assert termination_log.read_text().startswith("Received SIGTERM (for example, the node is being drained).")


def test_the_caller_s_signal_handler_is_restored() -> None:
    """Also after a failure."""
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(ZeroDivisionError), run_step("train"):
        raise ZeroDivisionError
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_a_known_error_wherever_it_occurs(number: int) -> None:
    """A retry may succeed once there is space."""
    with pytest.raises(SystemExit) as ended, run_step("train"):
        raise OSError(number, "no room", "/data")
    assert ended.value.code == StorageFull.exit_code


def test_an_unexpected_error_keeps_its_traceback() -> None:
    """It is not hidden."""
    with pytest.raises(ZeroDivisionError), run_step("train"):
        raise ZeroDivisionError


def test_only_transient_errors_are_retried() -> None:
    """Every exit code is either permanent or that of Unavailable."""
    kinds = {kind for kind in _kinds(SentinelError) if kind is not SentinelError}
    assert {kind.exit_code for kind in kinds} - set(PERMANENT_EXIT_CODES) == {Unavailable.exit_code}


def _kinds(kind: type[SentinelError]) -> set[type[SentinelError]]:
    return {kind}.union(*(_kinds(child) for child in kind.__subclasses__()))


def cause(error: Exception, behind: Exception, *, hidden: bool = False) -> Exception:
    """An error that was raised because of another one, or while it was handled."""
    error.__context__ = behind
    error.__cause__ = None if hidden else behind
    return error


FULL = OSError(errno.ENOSPC, "No space left on device", "/data/part-00000.parquet")


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (FULL, "/data/part-00000.parquet"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "this machine's disk"),
        (cause(RuntimeError("the writer failed"), FULL), "/data/part-00000.parquet"),
        (cause(Unavailable("MLflow can't be used.", advice=""), FULL, hidden=True), "/data/part-00000.parquet"),
        (cause(DataError("It is not readable.", advice=""), cause(ValueError(), FULL)), "/data/part-00000.parquet"),
        (sqlite3.OperationalError("database or disk is full"), "The database of MLflow"),
        (cause(MlflowException("failed"), sqlite3.OperationalError("database or disk is full")), "MLflow"),
        (MlflowException("[Errno 28] No space left on device: '/mlruns/0'"), "MLflow"),
        (OperationFailure("you are over your space quota, using 512 MB of 512 MB", 8000), "MongoDB"),
        (OperationFailure("WT_SESSION: No space left on device", 8), "MongoDB"),
        (RuntimeError("java.io.IOException: No space left on device"), "This machine's disk"),
        (StorageFull("The store is full.", advice="Free some."), "The store"),
        (cause(KeyError("a"), StorageFull("The store is full.", advice="Free some."), hidden=True), "The store"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value,
)
def test_a_full_disk_store_or_quota_is_named_in_one_line_and_not_retried(
    error: Exception, named: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whoever finds it, and however many errors are around it."""
    with pytest.raises(SystemExit) as ended, run_step("train"):
        raise error
    assert ended.value.code == StorageFull.exit_code in PERMANENT_EXIT_CODES
    *_, line = lines(capfd)
    assert (line["error"], named in str(line["message"])) == ("StorageFull", True)
    assert "exception" not in line


def test_words_of_others_in_our_own_errors_are_not_taken_for_a_full_disk() -> None:
    """A title may say anything."""
    with pytest.raises(SystemExit) as ended, run_step("preprocess"):
        raise DataError("Rejected: 'No space left on device'.", advice="Look into it.")
    assert ended.value.code == DataError.exit_code
