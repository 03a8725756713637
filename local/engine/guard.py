"""Run a command that exits when its parent does, even if the parent is killed: `guard.py PARENT COMMAND...`."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Replace this process by the command."""
    # Only on Linux; elsewhere the next run stops the servers that a killed run has left behind.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    # The parent may have been killed before prctl took effect.
    if os.getppid() != int(sys.argv[1]):
        sys.exit(f"parent process {sys.argv[1]} has exited")
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606  a shell would sit between the two processes


if __name__ == "__main__":
    main()
