"""PR Sentinel on one machine."""

import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from local.backup.part import BackupPart
from steps.common.command_line import console, handle_errors, make_state_folder
from steps.common.errors import ConfigurationError

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)

StateFolder = Annotated[Path, typer.Option(help="The folder for data, models and reports.")]
OnlyParts = Annotated[list[BackupPart] | None, typer.Option("--only", help="A part; may be given again. Default: all.")]
DEFAULT_STATE_FOLDER = Path(".state")


@app.command()
def run(
    repos: Annotated[str, typer.Option(help="Repositories (owner/name), separated by spaces.")] = "",
    search: Annotated[str, typer.Option(help="A GitHub repository search; its results are added.")] = "",
    state: StateFolder = DEFAULT_STATE_FOLDER,
) -> None:
    """Run the pipeline; without repositories or a search, on generated samples."""
    from local import session

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with handle_errors():
        raise typer.Exit(session.run(repos.replace(",", " ").split(), search, make_state_folder(state), console))


@app.command()
def backtest(
    repository: Annotated[str, typer.Argument(help="The repository (owner/name).")],
    last: Annotated[int, typer.Option(help="Number of pull requests, newest first.", min=1, max=10_000)] = 500,
    weekly: Annotated[
        int | None, typer.Option(help="Maximum number of alerts per week; default: by the rules, or 5.", min=0)
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="Rules to try: a .github/pr-sentinel.yml; default: those the service has read.")
    ] = None,
    state: StateFolder = DEFAULT_STATE_FOLDER,
) -> None:
    """Show what would have been flagged among a repository's last pull requests, before alerts are switched on."""
    from local.backtest import command as backtesting

    with handle_errors():
        backtesting.run(repository, last, weekly, make_state_folder(state), console, config)


@app.command()
def trace(
    question: Annotated[
        str, typer.Argument(help="A pull request's URL or owner/name#1, or the id of a delivery or prediction.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with all features.")] = False,
    state: StateFolder = DEFAULT_STATE_FOLDER,
) -> None:
    """Show what a result comes from: delivery, prediction, model, gate, dataset, run, workflow, code."""
    from local.trace import command as tracing

    with handle_errors():
        tracing.run(question, make_state_folder(state), console, as_json)


@app.command()
def retention(
    names: Annotated[bool, typer.Option("--names", help="List each thing by its name.")] = False,
    state: StateFolder = DEFAULT_STATE_FOLDER,
) -> None:
    """Show how long everything is kept, and what would go; nothing is deleted."""
    from local.retention import command as retaining

    with handle_errors():
        retaining.run(make_state_folder(state), console, names)


@app.command()
def backup(
    folder: Annotated[Path, typer.Argument(help="The folder of the backup; one that is there is brought up to date.")],
    only: OnlyParts = None,
    state: StateFolder = DEFAULT_STATE_FOLDER,
) -> None:
    """Copy MongoDB, the registry and the store to a folder; the service may go on meanwhile."""
    from local.backup import saving

    with handle_errors():
        saving.run(folder, only or [*BackupPart], make_state_folder(state), console)


@app.command()
def restore(
    folder: Annotated[Path, typer.Argument(help="The folder of the backup.")],
    only: OnlyParts = None,
    state: StateFolder = DEFAULT_STATE_FOLDER,
) -> None:
    """Bring back what is lost from a backup; nothing that is there is overwritten."""
    from local.backup import restoring

    with handle_errors():
        restoring.run(folder, only or [*BackupPart], make_state_folder(state), console)


@app.command()
def serve(
    state: StateFolder = DEFAULT_STATE_FOLDER,
    host: Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.", min=1, max=65535)] = 3000,
) -> None:
    """Serve the champion on this machine."""
    from local import serving

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with handle_errors():
        raise typer.Exit(serving.serve(make_state_folder(state), host, port, console))


@app.command()
def image(
    options: Annotated[list[str] | None, typer.Argument(help="Options for docker build, after --.")] = None,
    state: StateFolder = DEFAULT_STATE_FOLDER,
) -> None:
    """Build an image of the champion with Docker."""
    from local import image as building

    with handle_errors():
        raise typer.Exit(building.build(make_state_folder(state), options or [], console))


@app.command()
def mlflow(
    state: StateFolder = DEFAULT_STATE_FOLDER,
    port: Annotated[int, typer.Option(help="The port to listen on, on loopback.")] = 5000,
) -> None:
    """Open the MLflow UI with the runs and models."""
    from local.services.embedded import find_tracking
    from local.services.server import LOOPBACK
    from steps.common.settings import TrackingSettings
    from steps.common.tracking import connect

    with handle_errors():
        where = find_tracking(make_state_folder(state))
        if "%" in sys.prefix:
            raise ConfigurationError(
                f"MLflow can't show its pages from a folder with % in its name: {sys.prefix}.",
                advice="Move the clone to another folder.",
            )
        # The server would create the database in its place, and leave half of it to Ctrl-C.
        with connect(TrackingSettings(mlflow_uri=where["MLFLOW_URI"])):
            pass
    console.print(f"MLflow will be at http://{LOOPBACK}:{port} in about half a minute; press Ctrl-C to stop it.")
    command = [sys.executable, "-m", "mlflow", "ui", "--host", LOOPBACK, "--port", str(port), "--workers", "1"]
    # MLflow would otherwise start job workers that are not used here.
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    os.execve(command[0], [*command, "--backend-store-uri", where["MLFLOW_URI"]], environment)  # noqa: S606


if __name__ == "__main__":
    app(prog_name="pr-sentinel")
