"""A proxy to MongoDB that can be cut, restored, and made to hold everything back."""

import socket
import threading
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit, urlunsplit


class Cable:
    """Listens on a port of its own and forwards connections to a server while it is plugged in."""

    def __init__(self, uri: str) -> None:
        parts = urlsplit(uri)
        self._server = (str(parts.hostname), int(parts.port or 0))
        self._plugged = True
        self._flowing = threading.Event()
        self._flowing.set()
        self._ends: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        user, at, _ = parts.netloc.rpartition("@")
        own = f"{user}{at}127.0.0.1:{self._listener.getsockname()[1]}"
        # Else clients would go on with the address that the server names.
        direct = "&".join(filter(None, (parts.query, "directConnection=true")))
        self.uri = urlunsplit(parts._replace(netloc=own, path="/", query=direct))

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.pull()
        self._listener.close()

    def freeze(self) -> None:
        """Keep connections open, and take new ones, without letting anything through any more."""
        self._flowing.clear()

    def thaw(self) -> None:
        """Let through what has waited, and all that comes."""
        self._flowing.set()

    def pull(self) -> None:
        """Cut all connections."""
        self._plugged = False
        self._flowing.set()
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._ends.clear()

    def plug(self) -> None:
        """Let new connections through again."""
        self._plugged = True

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if not self._plugged:
                    near.close()
                    continue
                far = socket.create_connection(self._server)
                self._ends += (near, far)
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while content := source.recv(65_536):
                self._flowing.wait()
                target.sendall(content)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
