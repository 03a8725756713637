"""Serve the application of the Bento that contains this file with uvicorn: one process, without a supervisor.

`bentoml serve` serves the same application, but loads everything twice, to watch a worker that the container runtime
watches anyway, and puts a timer around every request.
"""

import argparse
import os
import signal
import socket
import sys
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp

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
    # An exception in the middle of an import would be reported as a failure of that import.
    handle_signals(lambda *_: os._exit(0))
    serve(open_listener(options.host, options.port))


def handle_signals(handler: Callable[[int, FrameType | None], None]) -> None:
    """Call a handler on SIGTERM and SIGINT."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handler)


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


def serve(listener: socket.socket) -> None:
    """Serve the application on a listening socket."""
    import uvicorn

    from steps.serve import logs
    from steps.serve.app import create_app

    logs.configure()
    config = build_config(create_app())
    # uvicorn replaces these handlers, and raises the signal again once every request is answered.
    handle_signals(lambda *_: sys.exit(0))
    uvicorn.Server(config).run(sockets=[listener])


def build_config(app: "ASGIApp") -> "uvicorn.Config":
    """Build uvicorn's configuration for an application."""
    import uvicorn

    from steps.serve.http.connections import LimitedProtocol

    return uvicorn.Config(
        app,
        http=LimitedProtocol,  # on h11: httptools has no limit for headers
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


if __name__ == "__main__":
    main()
