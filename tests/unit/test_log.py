"""Logging as JSON lines."""

import json
import logging

import pytest

from steps.common import log


def test_an_exception_is_part_of_its_log_line(capfd: pytest.CaptureFixture[str]) -> None:
    """The log stays one object per line."""
    log.configure()
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        logging.getLogger("steps.x").exception("broken")
    (line,) = (json.loads(line) for line in capfd.readouterr().err.splitlines())
    assert "ZeroDivisionError" in str(line["exception"])
