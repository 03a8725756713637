"""Serve the Bento that contains this file with BentoML's own worker: one process, without a supervisor.

`bentoml serve` loads everything twice, to watch a worker that the container runtime watches anyway.
"""

import argparse
import os
import signal
import socket
import sys
from pathlib import Path

BACKLOG = 2_048
KEEP_ALIVE_SECONDS = 75
"""Longer than load balancers keep a connection open, so that none sends a request on one that has just closed."""
GRACE_SECONDS = 25
"""Time for requests in flight to finish after SIGTERM; Kubernetes kills the container after 30 seconds."""


def main() -> None:
    """Listen and serve until SIGTERM or SIGINT; requests in flight are still answered."""
    parser = argparse.ArgumentParser(prog="python -m steps.serve.bento_worker", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=3000)
    options = parser.parse_args()
    # The worker's server replaces these handlers, and raises the signal again once every request is answered.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    # Until the service configures logging, BentoML writes lines in another format.
    os.environ.setdefault("BENTOML_QUIET", "true")
    serve(Path(__file__).resolve().parents[3], open_listener(options.host, options.port))


def open_listener(host: str, port: int) -> socket.socket:
    """Open a listening socket.

    Raises:
        SystemExit: the address can't be bound; the message gives the reason.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        # Python appends the address to the system's message.
        sys.exit(f"Cannot listen on {host}:{port}: {str(error.strerror).partition(' (')[0]}.")


def serve(bento: Path, listener: socket.socket) -> None:
    """Run BentoML's worker for the service in a Bento's folder."""
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
