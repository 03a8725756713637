"""Keeps a server as long as anybody uses it: `keeper.py NAME FOLDER COMMAND...`, started by local/services/shared.py.

It belongs to none of its users, so whoever started the server may end, or be killed, while others go on with it.
"""

import sys
import time
from pathlib import Path

from local.services.server import LOOK_EVERY, locked, server


def main() -> int:
    """Run the server until nobody holds the lock of its users, or until it ends by itself."""
    name, folder, *command = sys.argv[1:]
    with Path(folder, f"{name}.users").open("a+") as users, server(name, command, Path(folder)) as process:
        # From the moment that this lock is taken, whoever comes next waits for the end, and starts another server.
        while process.poll() is None and not locked(users):
            time.sleep(LOOK_EVERY)
    return process.wait()


if __name__ == "__main__":
    sys.exit(main())
