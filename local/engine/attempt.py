"""One attempt of a step: the container's command as a subprocess, watched until it exits."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any, BinaryIO

import psutil

from local.engine import environment, guard
from local.engine.template import OUTPUTS_FOLDER, Container
from steps.common.step_frame import WORKFLOW

POLL_SECONDS = 0.1
MEASURE_SECONDS = 0.5
GRACE_SECONDS = 10.0
KILLED_BY_SIGNAL = 128
OnRecord = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Machine:
    """The local counterpart of the cluster: the folder of the steps' modules, and the settings that steps may read.

    `run` is the name of the workflow's run, which Argo gives its pods as a label.
    """

    root: Path
    settings: Mapping[str, str]
    run: str = ""


@dataclass
class Attempt:
    """The result of one attempt."""

    exit_code: int = 0
    peak_bytes: int = 0
    timed_out: bool = False
    outputs: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


def run_attempt(
    container: Container, inputs: Mapping[str, str], machine: Machine, *, log: Path, stop: Event, heard: OnRecord
) -> Attempt:
    """Run the container once; it is terminated when `stop` is set or its deadline has passed."""
    with TemporaryDirectory(prefix="pr-sentinel-") as folder:
        scratch = Path(folder)
        (scratch / "tmp").mkdir()
        source = scratch / "source"
        source.write_text(json.dumps([{"name": name, "value": value} for name, value in inputs.items()]), "utf-8")
        command = [sys.executable, *container.script.args, str(source)]
        with log.open("ab") as sink, log.open("rb") as lines:
            lines.seek(0, os.SEEK_END)
            process = subprocess.Popen(  # noqa: S603  the command is the template's
                [sys.executable, guard.__file__, str(os.getpid()), *command],
                cwd=machine.root,
                env=_build_environment(container, machine, scratch),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            result = _watch(process, lines, container.active_deadline_seconds, stop, heard)
        _collect_outputs(container, scratch, result)
        return result


def _build_environment(container: Container, machine: Machine, scratch: Path) -> dict[str, str]:
    literals = container.script.literals
    kind = environment.find_settings(literals) if container.script.env_from else None
    return {
        **environment.select(kind, {**os.environ, **machine.settings}),
        **literals,
        WORKFLOW: machine.run,
        OUTPUTS_FOLDER: str(scratch / "outputs"),
        "TMPDIR": str(scratch / "tmp"),
    }


def _watch(
    process: subprocess.Popen[bytes], lines: BinaryIO, deadline: int | None, stop: Event, heard: OnRecord
) -> Attempt:
    """Follow the log and the memory until the process has exited."""
    result = Attempt()
    began = time.monotonic()
    measured = ended_at = 0.0
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        _follow(lines, heard)
        if pid:
            break
        now = time.monotonic()
        if now - measured > MEASURE_SECONDS:
            measured, result.peak_bytes = now, max(result.peak_bytes, _resident_bytes(process.pid))
        result.timed_out = deadline is not None and now - began > deadline
        if not ended_at and (result.timed_out or stop.is_set()):
            ended_at = now
            _signal_group(process.pid, signal.SIGTERM)
        elif ended_at and now - ended_at > GRACE_SECONDS:
            _signal_group(process.pid, signal.SIGKILL)
        time.sleep(POLL_SECONDS)
    # As in a container, nothing outlives the first process.
    _signal_group(process.pid, signal.SIGKILL)
    code = process.returncode = os.waitstatus_to_exitcode(status)
    result.exit_code = code if code >= 0 else KILLED_BY_SIGNAL - code
    unit = 1 if sys.platform == "darwin" else 1024
    result.peak_bytes = max(result.peak_bytes, usage.ru_maxrss * unit)
    return result


def _follow(lines: BinaryIO, heard: OnRecord) -> None:
    """Pass on each new, complete line of JSON."""
    while (line := lines.readline()).endswith(b"\n"):
        with suppress(ValueError):
            record = json.loads(line)
            if isinstance(record, dict) and "message" in record:
                heard(record)
    lines.seek(-len(line), os.SEEK_CUR)


def _resident_bytes(pid: int) -> int:
    """Return the resident memory of a process and its descendants."""
    total = 0
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        for member in [process, *process.children(recursive=True)]:
            with suppress(psutil.Error):
                total += member.memory_info().rss
    return total


def _signal_group(group: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)


def _collect_outputs(container: Container, scratch: Path, result: Attempt) -> None:
    """Read the outputs that the container has written."""
    for name, relative in container.output_files().items():
        file = scratch / "outputs" / relative
        if file.is_file():
            result.outputs[name] = file.read_text("utf-8")
        else:
            result.missing.append(name)
