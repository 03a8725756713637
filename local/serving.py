"""The `serve` command: runs the champion's service, with the embedded services that it needs."""

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

from local.champion import fetch_champion
from local.engine import environment, guard
from local.services import embedded
from local.services.server import LOOPBACK, POLL_SECONDS, READY_TIMEOUT_SECONDS
from steps.common.errors import ConfigurationError, Unavailable
from steps.common.settings import ServeSettings
from steps.packaging.champion import ChampionBento

STOP_TIMEOUT_SECONDS = 30.0
"""Longer than the service takes to finish its requests when it is stopped."""
KILLED_BY_SIGNAL = 128
SAMPLE_URL = f"{embedded.SAMPLE_SITE}/example/docs/pull/305"
EXAMPLE_PATH = "/owner/name/pull/1"


def serve(state: Path, host: str, port: int, console: Console) -> int:
    """Serve the champion until Ctrl-C or SIGTERM.

    Returns:
        The exit code: 0, or that of a service that exited by itself.

    Raises:
        ConfigurationError: the address is not available.
        NotFound: there is no champion, or it has no Bento.
        DamagedArtefact: the Bento's hash differs from the one in the registry.
        Unavailable: a required service does not respond, or the service does not become ready.
    """
    _check_address(host, port)
    with console.status("Looking up the champion …"):
        champion = fetch_champion(state)
    try:
        with ExitStack() as parts:
            settings = dict(parts.enter_context(embedded.data_services(state)))
            samples = not os.environ.get("GITHUB_TOKEN")
            if samples:
                settings |= parts.enter_context(embedded.sample_github(state))
            process = parts.enter_context(_run_service(champion.folder, host, port, settings))
            address = f"http://{_reachable_host(host)}:{port}"
            _wait_until_ready(process, address)
            _print_usage(champion, address, samples, console)
            code = process.wait()
    except KeyboardInterrupt:
        console.print("Stopped.")
        return 0
    return code if code >= 0 else KILLED_BY_SIGNAL - code


@contextmanager
def _run_service(bento: Path, host: str, port: int, settings: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run the service as its image does; stops it at the end of the block and waits for it."""
    command = [sys.executable, "-m", "steps.serve.bento_worker", "--host", host, "--port", str(port)]
    process = subprocess.Popen(  # noqa: S603  the command is trusted
        [sys.executable, guard.__file__, str(os.getpid()), *command],
        cwd=bento / "src",
        # Bytecode beside the code would be a change of the Bento.
        env=environment.select(ServeSettings, {**os.environ, **settings}) | {"PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        # Ctrl-C goes to this process, which stops the service.
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_SECONDS)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            process.kill()
            process.wait()


def _check_address(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        raise ConfigurationError(
            # Python appends the address to the system's message.
            f"Cannot listen on {host}:{port}: {str(error.strerror).partition(' (')[0]}.",
            advice="Stop the process that listens there, or use another port (PORT=).",
        ) from None


def _reachable_host(host: str) -> str:
    """Return the host under which this machine reaches the service."""
    if host in {"0.0.0.0", "::"}:  # noqa: S104  only compared
        return LOOPBACK
    return f"[{host}]" if ":" in host else host


def _wait_until_ready(process: subprocess.Popen[bytes], address: str) -> None:
    until = time.monotonic() + READY_TIMEOUT_SECONDS
    while not _is_ready(address):
        if process.poll() is not None:
            raise Unavailable("The service exited before it was ready.", advice="See its last lines above.")
        if time.monotonic() > until:
            raise Unavailable(
                f"The service was not ready within {READY_TIMEOUT_SECONDS:.0f} s.", advice="See its lines above."
            )
        time.sleep(POLL_SECONDS)


def _is_ready(address: str) -> bool:
    try:
        return requests.get(f"{address}/readyz", timeout=5).ok
    except requests.RequestException:
        return False


def _print_usage(champion: ChampionBento, address: str, samples: bool, console: Console) -> None:
    site = os.environ.get("GITHUB_URL", "").rstrip("/") or ServeSettings.model_fields["github_url"].default
    example = SAMPLE_URL if samples else f"{site}{EXAMPLE_PATH}"
    lines = [
        f"Serving version {champion.version} ({champion.tag}) at {address}; press Ctrl-C to stop it.",
        f"""curl {address}/score_url -H 'Content-Type: application/json' -d '{{"url": "{example}"}}'""",
    ]
    if samples:
        lines.append("GITHUB_TOKEN is not set: URLs are looked up in the fake GitHub of the samples.")
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)
