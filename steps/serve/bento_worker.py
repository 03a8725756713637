"""Serves the Bento that this file is in by BentoML's own worker: one process, without the supervisor around it.

`bentoml serve` loads everything twice, to watch a worker that a container's runtime watches as well.
"""

import argparse
import os
import signal
import socket
import sys
from pathlib import Path

BACKLOG = 2_048
KEEP_ALIVE_SECONDS = 75
"""Longer than load balancers keep a connection, so that none sends a request into one that just closed."""
GRACE_SECONDS = 25
"""A request may take so long to end after the word to stop; then Kubernetes' 30 seconds are nearly over."""


def main() -> None:
    """Listen and serve until SIGTERM or SIGINT; requests that are being answered are answered."""
    parser = argparse.ArgumentParser(prog="python -m steps.serve.bento_worker", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=3000)
    options = parser.parse_args()
    # The server behind the worker takes these over, and sends itself the signal again when all is answered.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    # Until the service sets up its own log, BentoML writes lines of another form.
    os.environ.setdefault("BENTOML_QUIET", "true")
    serve(Path(__file__).resolve().parents[3], open_listener(options.host, options.port))


def open_listener(host: str, port: int) -> socket.socket:
    """A socket at this address.

    Raises:
        SystemExit: nothing can listen there, with the reason.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        # Python puts the address behind the system's words once more.
        sys.exit(f"Nothing can listen at {host}:{port}: {str(error.strerror).partition(' (')[0]}.")


def serve(bento: Path, listener: socket.socket) -> None:
    """Become BentoML's worker for the service in a Bento's folder."""
    from _bentoml_impl.worker.service import main as worker

    worker.main(
        [
            str(bento),
            *("--fd", str(listener.detach()), "--worker-id", "1", "--backlog", str(BACKLOG)),
            *("--timeout-keep-alive", str(KEEP_ALIVE_SECONDS), "--timeout-graceful-shutdown", str(GRACE_SECONDS)),
        ],
        standalone_mode=False,
    )


if __name__ == "__main__":
    main()
