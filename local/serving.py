"""Serves the champion on this machine, with what the service needs around it, until somebody says stop."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import requests
from rich.console import Console

from local.champion import find
from local.engine import guard
from local.services import embedded
from local.services.server import LOOK_EVERY, READY_WITHIN
from local.services.shared import LOOPBACK
from steps.common.errors import ConfigurationError, Unavailable
from steps.packaging.champion import ChampionBento

END_WITHIN = 30.0
"""Longer than the service takes for the requests that it is answering when it is told to stop."""
KILLED_BY_SIGNAL = 128
SAMPLE = f"{embedded.SAMPLE_SITE}/example/docs/pull/305"
REAL = "https://github.com/owner/name/pull/1"


def serve(state: Path, host: str, port: int, console: Console) -> int:
    """Serve the champion until Ctrl-C or SIGTERM.

    Returns:
        The exit code: 0, or that of a service that ended by itself.

    Raises:
        ConfigurationError: nothing can listen at this address.
        NotFound: there is no champion, or it has no Bento.
        DamagedArtefact: its Bento has another hash than the registry says.
        Unavailable: something that is needed does not answer, or the service does not get ready.
    """
    _check_address(host, port)
    with console.status("Looking up the champion …"):
        champion = find(state)
    try:
        with ExitStack() as parts:
            settings = dict(parts.enter_context(embedded.kept(state)))
            samples = not os.environ.get("GITHUB_TOKEN")
            if samples:
                settings |= parts.enter_context(embedded.sample_github(state))
            process = parts.enter_context(_worker(champion.folder, host, port, settings, state))
            address = f"http://{_reached(host)}:{port}"
            _wait(process, address)
            _say(champion, address, samples, console)
            code = process.wait()
    except KeyboardInterrupt:
        console.print("Stopped.")
        return 0
    return code if code >= 0 else KILLED_BY_SIGNAL - code


@contextmanager
def _worker(
    bento: Path, host: str, port: int, settings: Mapping[str, str], state: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """The service as its image runs it: told to stop at the end of the block, and waited for."""
    # What sees VAULT_ADDR expects a pod's identity, which there is none of here.
    own = {name: value for name, value in os.environ.items() if name != "VAULT_ADDR"}
    bentoml = {"BENTOML_HOME": str(state / "bentoml"), "BENTOML_DO_NOT_TRACK": "True"}
    command = [sys.executable, "-m", "steps.serve.bento_worker", "--host", host, "--port", str(port)]
    process = subprocess.Popen(  # noqa: S603  the command is ours
        [sys.executable, guard.__file__, str(os.getpid()), *command],
        cwd=bento / "src",
        env={**own, **settings, **bentoml},
        stdin=subprocess.DEVNULL,
        # Ctrl-C in a terminal is for this process, which tells the service.
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(END_WITHIN)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            process.kill()
            process.wait()


def _check_address(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        raise ConfigurationError(
            # Python puts the address behind the system's words once more.
            f"Cannot listen on {host}:{port}: {str(error.strerror).partition(' (')[0]}.",
            advice="End what listens there, or give another port (PORT=).",
        ) from None


def _reached(host: str) -> str:
    """How this machine reaches what listens there."""
    if host in {"0.0.0.0", "::"}:  # noqa: S104  it is only compared
        return LOOPBACK
    return f"[{host}]" if ":" in host else host


def _wait(process: subprocess.Popen[bytes], address: str) -> None:
    until = time.monotonic() + READY_WITHIN
    while not _is_ready(address):
        if process.poll() is not None:
            raise Unavailable("The service has ended before it was ready.", advice="Its last lines above say why.")
        if time.monotonic() > until:
            raise Unavailable(
                f"The service was not ready within {READY_WITHIN:.0f} s.", advice="Its lines above say why."
            )
        time.sleep(LOOK_EVERY)


def _is_ready(address: str) -> bool:
    try:
        return requests.get(f"{address}/readyz", timeout=5).ok
    except requests.RequestException:
        return False


def _say(champion: ChampionBento, address: str, samples: bool, console: Console) -> None:
    example = SAMPLE if samples else REAL
    lines = [
        f"Serving version {champion.version} ({champion.tag}) at {address}; Ctrl-C ends it.",
        f"""curl {address}/score_url -H 'Content-Type: application/json' -d '{{"url": "{example}"}}'""",
    ]
    if samples:
        lines.append("Without GITHUB_TOKEN, addresses are looked up in the GitHub of the samples.")
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)
