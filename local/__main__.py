"""PR Sentinel's command line: what runs on one machine."""

import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from steps.common.command_line import console, handle_errors, make_state_folder

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)

State = Annotated[Path, typer.Option(help="The folder that keeps whatever a run keeps.")]
HERE = Path(".state")


@app.command()
def run(
    repos: Annotated[str, typer.Option(help="Repositories, owner/name, with spaces between them.")] = "",
    search: Annotated[str, typer.Option(help="A GitHub repository search, whose results are taken as well.")] = "",
    state: State = HERE,
) -> None:
    """Run the pipeline on this machine; without repositories, on generated samples."""
    from local import session

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with handle_errors():
        raise typer.Exit(session.run(repos.replace(",", " ").split(), search, make_state_folder(state), console))


@app.command()
def backtest(
    repository: Annotated[str, typer.Argument(help="The repository, owner/name.")],
    last: Annotated[int, typer.Option(help="How many of its pull requests, the newest ones.", min=1, max=10_000)] = 500,
    weekly: Annotated[int, typer.Option(help="How many alerts a week may be told.", min=0)] = 5,
    state: State = HERE,
) -> None:
    """Show what would have been flagged among a repository's last pull requests, before alerts are switched on."""
    from local.backtest import command as backtesting

    with handle_errors():
        backtesting.run(repository, last, weekly, make_state_folder(state), console)


@app.command()
def serve(
    state: State = HERE,
    host: Annotated[str, typer.Option(help="Where it listens; 0.0.0.0 is everywhere.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="On which port.", min=1, max=65535)] = 3000,
) -> None:
    """Serve the champion on this machine."""
    from local import serving

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with handle_errors():
        raise typer.Exit(serving.serve(make_state_folder(state), host, port, console))


@app.command()
def image(
    options: Annotated[list[str] | None, typer.Argument(help="What docker build gets as well, after --.")] = None,
    state: State = HERE,
) -> None:
    """Build an image of the champion with Docker."""
    from local import image as building

    with handle_errors():
        raise typer.Exit(building.build(make_state_folder(state), options or [], console))


@app.command()
def mlflow(
    state: State = HERE, port: Annotated[int, typer.Option(help="Where it listens, on loopback.")] = 5000
) -> None:
    """Look at the runs and models in MLflow's own pages."""
    from local.services.embedded import tracking
    from local.services.shared import LOOPBACK

    with handle_errors():
        where = tracking(make_state_folder(state))
    console.print(f"MLflow will be at http://{LOOPBACK}:{port} in about half a minute; Ctrl-C ends it.")
    command = [sys.executable, "-m", "mlflow", "ui", "--host", LOOPBACK, "--port", str(port), "--workers", "1"]
    # Without this MLflow also starts workers for jobs that nothing here gives it.
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    os.execve(command[0], [*command, "--backend-store-uri", where["MLFLOW_URI"]], environment)  # noqa: S606


if __name__ == "__main__":
    app(prog_name="pr-sentinel")
