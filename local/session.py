"""One run on this machine from beginning to end: what it needs, the workflow, and what it has found."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from local.engine import progress, reader
from local.engine.attempt import Machine
from local.engine.run_state import Node, Phase, Run
from local.engine.runner import LocalRun, begin
from local.report import changes, findings, page, tables
from local.services import embedded
from local.services.server import only_run
from local.untrusted import one_line
from steps.common.errors import ConfigurationError

FAILED = 1


def run(repositories: list[str], search: str, state: Path, console: Console) -> int:
    """Run the rendered pipeline and show its results; without repositories and search, on the samples.

    Returns:
        The exit code: 0, or that of the step that failed first.

    Raises:
        SentinelError: something that the run needs is missing or broken.
    """
    samples = not repositories and not search
    if not samples and not os.environ.get("GITHUB_TOKEN"):
        raise ConfigurationError(
            "GITHUB_TOKEN is not set.",
            advice="Make a token that may read public repositories and export it; without REPOS the samples need none.",
        )
    names = list(embedded.SAMPLE_REPOSITORIES) if samples else repositories
    template = reader.read(reader.TEMPLATE)
    with only_run(state), embedded.settings(state, samples=samples) as settings:
        state_of_run = begin(template, {"repositories": json.dumps(names), "search": search}, state / "runs")
        with progress.shown(state_of_run, console) as notify:
            LocalRun(template, state_of_run, Machine(embedded.ROOT, settings), notify).execute()
        if state_of_run.phase is Phase.SUCCEEDED:
            return succeeded(state_of_run, settings, state, console)
    return failed(state_of_run, console)


def succeeded(run: Run, settings: Mapping[str, str], state: Path, console: Console) -> int:
    """Show what was found, if there was enough to learn from."""
    console.print()
    console.print(changes.told(run), markup=False, soft_wrap=True)
    if run.phase_of("train") is Phase.SKIPPED:
        (preprocess,) = run.nodes["preprocess"]
        console.print(f"No model: {preprocess.warning}.", markup=False, soft_wrap=True)
        return 0
    found = findings.gather(run, settings)
    path = state / "report.html"
    page.write(run, found, path)
    tables.show(found, console)
    version = run.output("register", "version")
    decision = f"{run.output('register', 'decision')}{f', version {version}' if version else ''}"
    console.print(f"Model: {decision}. {run.output('register', 'reason')}", soft_wrap=True, markup=False)
    console.print(f"Look further: {path} in a browser; make mlflow; logs in {run.folder}", soft_wrap=True, markup=False)
    return 0


def failed(run: Run, console: Console) -> int:
    """Say of each step that failed what was wrong, what to do, and where its log is."""
    console.print()
    for node in run.bad_nodes:
        tell(run, node, console)
    return next((node.exit_code for node in run.bad_nodes if node.exit_code), FAILED)


def tell(run: Run, node: Node, console: Console) -> None:
    """One failure in words."""
    problem = f"{progress.label(node)} failed: {one_line(node.problem)}"
    console.print(problem, style="bold red", markup=False, soft_wrap=True)
    if node.advice:
        console.print(one_line(node.advice), markup=False, soft_wrap=True)
    console.print(f"Exit code {node.exit_code}; log: {run.log_of(node)}", markup=False, soft_wrap=True)
