"""Make the users that the real MongoDB's first start makes, and then give way to a server that asks for passwords."""

import os
import subprocess
from contextlib import suppress

import pymongo
import pymongo.errors

SERVER = ["secantusd-py", "--storage-path", "/data/db", "--sync-on-commit", "--standalone"]
ROLES = {"fetch": "readWrite", "preprocess": "readWrite", "monitor": "read", "serve": "readWrite", "checks": "read"}


def main() -> None:
    """Stay the server."""
    with subprocess.Popen([*SERVER, "--host", "127.0.0.1"]) as open_to_all:
        with pymongo.MongoClient[dict[str, object]]("127.0.0.1", serverSelectionTimeoutMS=60_000) as client:
            for step, role in ROLES.items():
                password = os.environ[f"PASSWORD_{step}"]
                with suppress(pymongo.errors.OperationFailure):  # it is there since an earlier start
                    client.pr_sentinel.command("createUser", step, pwd=password, roles=[role])
        open_to_all.terminate()
    os.execvp(SERVER[0], [*SERVER, "--host", "0.0.0.0", "--auth"])  # noqa: S104, S606  the pod's own network


if __name__ == "__main__":
    main()
