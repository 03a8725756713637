"""A GitHub that serves the record files while a benchmark runs."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.services.server import LOOPBACK, server


@contextmanager
def serve_records(pulls: Path, files: Path | None, replay: Path | None, folder: Path) -> Iterator[str]:
    """Serve the records from when the server is ready until the end of the block, and yield its URL.

    Args:
        pulls: folder of record files.
        files: folder of the files that each pull request changed, or None.
        replay: a replay server of your own, which takes `--data`, `--files`, `--port` and `--port-file`; without it the
            project's own fake GitHub serves the records.
        folder: where the server's log goes.

    Raises:
        SentinelError: the server ends or does not get ready; the message names its log.
    """
    port_file = folder / "port"
    port_file.unlink(missing_ok=True)
    command = [str(replay), "--data", str(pulls)] if replay else ["-m", "samples.server", "--pulls", str(pulls)]
    command += ["--files", str(files)] if files else []
    command += ["--port", "0", "--port-file", str(port_file)]

    def is_ready() -> bool:
        return port_file.is_file() and port_file.read_text().strip().isdigit()

    with server("github", [sys.executable, *command], folder, is_ready):
        yield f"http://{LOOPBACK}:{port_file.read_text().strip()}"
