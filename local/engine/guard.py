"""Runs a command that ends when its parent does, even where the parent is killed: `guard.py PARENT COMMAND...`."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Become the command."""
    # Only Linux can do this; elsewhere the next run ends the servers that a killed one has left.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    # The parent may have been killed before the line above.
    if os.getppid() != int(sys.argv[1]):
        sys.exit(f"process {sys.argv[1]} is gone")
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606  a shell would stand between the two


if __name__ == "__main__":
    main()
