"""The cluster as its operators use it: by kubectl."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.waiting import Found, wait_until

PIPELINE, BACKING = "pr-sentinel", "pr-sentinel-backing"
PATIENCE_SECONDS = 900
LOOK_EVERY_SECONDS = 1


def run(*command: str, said: str = "", **more: Any) -> str:
    """Run a command that must succeed; what it prints."""
    done = subprocess.run(command, input=said, capture_output=True, text=True, check=False, **more)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}{done.stdout}"
    return str(done.stdout)


def kubectl(*arguments: str, namespace: str = PIPELINE, said: str = "") -> str:
    """Run kubectl; what it prints."""
    return run("kubectl", "--namespace", namespace, *arguments, said=said)


def refused(*arguments: str, namespace: str = PIPELINE, said: str = "") -> str:
    """Run kubectl, which must fail; what it says then."""
    done = attempt(*arguments, namespace=namespace, said=said)
    assert done.returncode != 0, f"{' '.join(done.args)} was not refused: {done.stdout}"
    return done.stderr


def attempt(*arguments: str, namespace: str = PIPELINE, said: str = "") -> subprocess.CompletedProcess[str]:
    """Run kubectl, which may fail."""
    command = ["kubectl", "--namespace", namespace, *arguments]
    return subprocess.run(command, input=said, capture_output=True, text=True, check=False)


def get(*what: str, namespace: str = PIPELINE) -> Any:
    """An object, or a list of them, as the API server describes it."""
    return json.loads(kubectl("get", *what, "--output", "json", namespace=namespace))


def wait(look: Callable[[], Found | None], what: str) -> Found:
    """Wait until a function returns something and return that."""
    return wait_until(look, what, timeout=PATIENCE_SECONDS, interval=LOOK_EVERY_SECONDS)


def rolled_out(namespace: str) -> None:
    """Wait until everything that a namespace runs all the time is ready."""
    for kind in ("statefulset", "deployment"):
        for thing in get(kind, namespace=namespace)["items"]:
            name = thing["metadata"]["name"]
            kubectl("rollout", "status", f"{kind}/{name}", f"--timeout={PATIENCE_SECONDS}s", namespace=namespace)


@contextmanager
def forwarded(service: str, port: int, namespace: str = BACKING) -> Iterator[str]:
    """A service's port on this machine, as `127.0.0.1:port`."""
    command = ["kubectl", "--namespace", namespace, "port-forward", f"service/{service}", f":{port}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as forwarding:
        try:
            assert forwarding.stdout is not None
            line = forwarding.stdout.readline()
            taken = re.search(r"127\.0\.0\.1:(\d+)", line)
            assert taken, f"{' '.join(command)}: {line}"
            yield taken[0]
        finally:
            forwarding.terminate()


def token(account: str, namespace: str = PIPELINE, audience: str = "vault") -> str:
    """Return the files that the kubelet would mount into a pod of a service account."""
    return kubectl("create", "token", account, "--audience", audience, "--duration=10m", namespace=namespace).strip()
