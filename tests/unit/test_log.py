"""The frame around a step: one JSON object a line, and an exit code for each known error."""

import errno
import json
import logging
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from steps.common import log
from steps.common.errors import PERMANENT_EXIT_CODES, AccessRefused, SentinelError, StorageFull, Unavailable


def lines(captured: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    """What was logged."""
    return [json.loads(line) for line in captured.readouterr().err.splitlines()]


def test_a_step_logs_its_start_its_end_and_its_seconds(capfd: pytest.CaptureFixture[str]) -> None:
    """As JSON, with what `extra` carries."""
    with log.step("fetch") as logger:
        logger.info("page", extra={"done": 100})
    first, page, last = lines(capfd)
    assert (first["message"], page["done"], last["message"]) == ("started", 100, "finished")
    assert isinstance(last["seconds"], float)


def test_a_known_error_is_one_line_and_its_exit_code(capfd: pytest.CaptureFixture[str]) -> None:
    """No stack trace, but what to do."""
    with pytest.raises(SystemExit) as ended, log.step("fetch"):
        raise AccessRefused("The token is not accepted.", advice="Make a new one.")
    assert ended.value.code == AccessRefused.exit_code
    line = lines(capfd)[-1]
    assert (line["error"], line["advice"]) == ("AccessRefused", "Make a new one.")
    assert "exception" not in line


def test_kubernetes_is_told_why_where_it_asks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In the file that it puts into the container, as one line; elsewhere no such file is made."""
    monkeypatch.setattr(log, "TERMINATION_LOG", tmp_path / "termination-log")
    for there in (False, True):
        with pytest.raises(SystemExit), log.step("fetch"):
            raise AccessRefused("The token is not accepted.", advice="Make a new one.")
        assert log.TERMINATION_LOG.exists() == there
        log.TERMINATION_LOG.touch()
    assert log.TERMINATION_LOG.read_text() == "The token is not accepted. Make a new one."


def test_kubernetes_is_told_of_a_mistake_of_ours_but_not_its_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """They may hold anything, and more people see how a workflow ended than its logs."""
    monkeypatch.setattr(log, "TERMINATION_LOG", tmp_path / "termination-log")
    log.TERMINATION_LOG.touch()
    with pytest.raises(KeyError), log.step("fetch"):
        raise KeyError("mongodb://user:password@host")
    assert log.TERMINATION_LOG.read_text() == "KeyError, which nobody has thought of. The log has its trace."


def test_kubernetes_is_told_where_a_step_is_told_to_end(tmp_path: Path) -> None:
    """It ends by that signal, at once, without finishing what it does."""
    told = tmp_path / "termination-log"
    told.touch()
    program = """
import pathlib, signal, sys
from steps.common import log
log.TERMINATION_LOG = pathlib.Path(sys.argv[1])
with log.step("fetch"):
    try:
        signal.raise_signal(signal.SIGTERM)
    finally:
        print("went on")
"""
    done = subprocess.run([sys.executable, "-c", program, told], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGTERM, "")
    assert told.read_text().startswith("Told to end, as where its node is drained.")


def test_after_a_step_its_caller_s_signals_are_its_own() -> None:
    """Also where it failed."""
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(ZeroDivisionError), log.step("train"):
        raise ZeroDivisionError
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_known_wherever_it_is_met(number: int) -> None:
    """It is worth another try once there is room."""
    with pytest.raises(SystemExit) as ended, log.step("train"):
        raise OSError(number, "no room", "/data")
    assert ended.value.code == StorageFull.exit_code


def test_a_mistake_of_ours_keeps_its_trace() -> None:
    """What is not known is not hidden."""
    with pytest.raises(ZeroDivisionError), log.step("train"):
        raise ZeroDivisionError


def test_only_what_may_pass_is_tried_again() -> None:
    """Every error's code is either permanent or that of Unavailable."""
    kinds = {kind for kind in _kinds(SentinelError) if kind is not SentinelError}
    assert {kind.exit_code for kind in kinds} - set(PERMANENT_EXIT_CODES) == {Unavailable.exit_code}


def test_an_exception_is_part_of_its_line(capfd: pytest.CaptureFixture[str]) -> None:
    """So that a log stays one object a line."""
    log.configure()
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        logging.getLogger("steps.x").exception("broken")
    (line,) = lines(capfd)
    assert "ZeroDivisionError" in str(line["exception"])


def _kinds(kind: type[SentinelError]) -> set[type[SentinelError]]:
    return {kind}.union(*(_kinds(child) for child in kind.__subclasses__()))
