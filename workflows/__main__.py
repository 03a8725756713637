"""PR Sentinel's command line: what runs on one machine."""

import errno
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from steps.common.errors import ConfigurationError, SentinelError, StorageFull

INTERRUPTED = 130
app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
console = Console(highlight=False)

State = Annotated[Path, typer.Option(help="The folder that keeps whatever a run keeps.")]
HERE = Path(".state")


@contextmanager
def told() -> Iterator[None]:
    """Turn what a person can mend into a few words and an exit code, without a trace."""
    try:
        yield
    except KeyboardInterrupt:
        console.print("Stopped. What was finished is kept; the next run goes on from there.")
        raise typer.Exit(INTERRUPTED) from None
    except SentinelError as error:
        failure = error
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        failure = StorageFull(f"No space left: {error}.", advice="Free some space and run it again.")
    else:
        return
    console.print(failure.problem, style="bold red", markup=False, soft_wrap=True)
    console.print(failure.advice, markup=False, soft_wrap=True)
    raise typer.Exit(failure.exit_code)


def prepared(state: Path) -> Path:
    """The folder, made if need be, by its full name."""
    try:
        state.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"The folder {state} can't be made: {error.strerror}.", advice="Give another one (STATE=)."
        ) from None
    return state.resolve()


@app.command()
def run(
    repos: Annotated[str, typer.Option(help="Repositories, owner/name, with spaces between them.")] = "",
    search: Annotated[str, typer.Option(help="A GitHub repository search, whose results are taken as well.")] = "",
    state: State = HERE,
) -> None:
    """Run the pipeline on this machine; without repositories, on generated samples."""
    from workflows import session

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with told():
        raise typer.Exit(session.run(repos.replace(",", " ").split(), search, prepared(state), console))


@app.command()
def backtest(
    repository: Annotated[str, typer.Argument(help="The repository, owner/name.")],
    last: Annotated[int, typer.Option(help="How many of its pull requests, the newest ones.", min=1, max=10_000)] = 500,
    weekly: Annotated[int, typer.Option(help="How many alerts a week may be told.", min=0)] = 5,
    state: State = HERE,
) -> None:
    """Show what would have been flagged among a repository's last pull requests, before alerts are switched on."""
    from workflows import backtest as backtesting

    with told():
        backtesting.run(repository, last, weekly, prepared(state), console)


@app.command()
def serve(
    state: State = HERE,
    host: Annotated[str, typer.Option(help="Where it listens; 0.0.0.0 is everywhere.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="On which port.", min=1, max=65535)] = 3000,
) -> None:
    """Serve the champion on this machine."""
    from workflows import serving

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with told():
        raise typer.Exit(serving.serve(prepared(state), host, port, console))


@app.command()
def image(
    options: Annotated[list[str] | None, typer.Argument(help="What docker build gets as well, after --.")] = None,
    state: State = HERE,
) -> None:
    """Build an image of the champion with Docker."""
    from workflows import image as building

    with told():
        raise typer.Exit(building.build(prepared(state), options or [], console))


@app.command()
def render(check: Annotated[bool, typer.Option("--check", help="Only say what differs.")] = False) -> None:
    """Write the YAML that a cluster runs, from what is drawn in Hera."""
    from workflows import render as rendering

    if not check:
        rendering.write()
    elif stale := rendering.stale():
        console.print(f"Out of date: {', '.join(str(path) for path in stale)}. Run: make render")
        raise typer.Exit(1)


@app.command()
def mlflow(
    state: State = HERE, port: Annotated[int, typer.Option(help="Where it listens, on loopback.")] = 5000
) -> None:
    """Look at the runs and models in MLflow's own pages."""
    from workflows.embedded import tracking
    from workflows.shared import LOOPBACK

    with told():
        where = tracking(prepared(state))
    console.print(f"MLflow will be at http://{LOOPBACK}:{port} in about half a minute; Ctrl-C ends it.")
    command = [sys.executable, "-m", "mlflow", "ui", "--host", LOOPBACK, "--port", str(port), "--workers", "1"]
    # Without this MLflow also starts workers for jobs that nothing here gives it.
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    os.execve(command[0], [*command, "--backend-store-uri", where["MLFLOW_URI"]], environment)  # noqa: S606


if __name__ == "__main__":
    app(prog_name="pr-sentinel")
