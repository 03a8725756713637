"""Keep a server running as long as it has users: `keeper.py NAME FOLDER PORT COMMAND...`, started by shared.py.

The keeper is independent of the server's users, so the one that started the server may exit or be killed while others
still use it.
"""

import sys
import time
from pathlib import Path

from local.services.server import POLL_SECONDS, server, try_lock


def main() -> int:
    """Run the server until no user holds the users' lock, or until it exits by itself."""
    name, folder, port, *command = sys.argv[1:]
    with (
        Path(folder, f"{name}.users").open("a+") as users,
        server(name, command, Path(folder), port=int(port)) as process,
    ):
        # Once this lock is taken, the next user waits for the server's end and starts another one.
        while process.poll() is None and not try_lock(users):
            time.sleep(POLL_SECONDS)
    return process.wait()


if __name__ == "__main__":
    sys.exit(main())
