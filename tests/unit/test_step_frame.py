"""The frame of a step: its log lines, its exit codes, and the reason that Kubernetes shows."""

import errno
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from steps.common import step_frame
from steps.common.errors import PERMANENT_EXIT_CODES, AccessRefused, SentinelError, StorageFull, Unavailable
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
