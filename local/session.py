"""The `run` command: starts the services, runs the workflow and shows the results."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from local.engine import progress, template_reader
from local.engine.attempt import Machine
from local.engine.run_state import Node, Phase, WorkflowRun
from local.engine.runner import WorkflowEngine, create_run
from local.report import changes, findings, page, tables
from local.services import embedded
from local.services.server import exclusive_run
from local.untrusted import one_line
from steps.common.errors import ConfigurationError
from steps.fetch.discovery import check_access

DEFAULT_EXIT_CODE = 1
CHECKS = "drift-checks"
"""The folder for the logs of comparisons."""


def run(repositories: list[str], search: str, state: Path, console: Console) -> int:
    """Run the rendered pipeline and show its results; without repositories and search, on the samples.

    Returns:
        The exit code: 0, or that of the first step that failed.

    Raises:
        SentinelError: a service or setting that the run needs is missing or broken; the names, the token and the
            network are looked at before anything starts.
    """
    samples = not repositories and not search
    if not samples and not os.environ.get("GITHUB_TOKEN"):
        raise ConfigurationError(
            "GITHUB_TOKEN is not set.",
            advice="Export a token that can read public repositories; the samples (without REPOS) need none.",
        )
    names = list(embedded.SAMPLE_REPOSITORIES) if samples else check_access(repositories, search)
    template = template_reader.read(template_reader.TEMPLATE)
    with exclusive_run(state), embedded.run_settings(state, samples=samples) as settings:
        state_of_run = create_run(template, {"repositories": json.dumps(names), "search": search}, state / "runs")
        with progress.show_progress(state_of_run, console) as notify:
            WorkflowEngine(template, state_of_run, Machine(embedded.ROOT, settings), notify).execute()
        if state_of_run.phase is Phase.SUCCEEDED:
            return show_results(state_of_run, settings, state, console) or check_drift(settings, state, console)
    return show_failures(state_of_run, console)


def show_results(run: WorkflowRun, settings: Mapping[str, str], state: Path, console: Console) -> int:
    """Show the findings, and what the run went on without; if no model was trained, show why."""
    console.print()
    for node in run.failed_nodes:
        show_failure(run, node, console)
    console.print(changes.summarise_changes(run), markup=False, soft_wrap=True)
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
    console.print(f"See also: {path} in a browser, `make mlflow`, logs in {run.folder}", soft_wrap=True, markup=False)
    return 0


def check_drift(settings: Mapping[str, str], state: Path, console: Console) -> int:
    """Compare recent pull requests with those that the champion knows, and show the verdict.

    Returns:
        The exit code.
    """
    template = template_reader.read(template_reader.MONITOR_TEMPLATE)
    # Apart from the pipeline's runs, by the newest of which others go.
    run = create_run(template, {}, state / CHECKS)
    WorkflowEngine(template, run, Machine(embedded.ROOT, settings), lambda _: None).execute()
    if run.phase is not Phase.SUCCEEDED:
        return show_failures(run, console)
    verdict, reason = run.output("monitor", "verdict"), run.output("monitor", "reason")
    decision = f" {run.output('monitor', 'decision')}." if verdict == "drift" else ""
    console.print(f"Drift: {verdict} ({reason}).{decision}", soft_wrap=True, markup=False)
    return 0


def show_failures(run: WorkflowRun, console: Console) -> int:
    """Show every failed step: its problem, the advice and its log."""
    console.print()
    for node in run.failed_nodes:
        show_failure(run, node, console)
    return next((node.exit_code for node in run.failed_nodes if node.exit_code), DEFAULT_EXIT_CODE)


def show_failure(run: WorkflowRun, node: Node, console: Console) -> None:
    """Show one failed step."""
    problem = f"{progress.format_label(node)} failed: {one_line(node.problem)}"
    console.print(problem, style="bold red", markup=False, soft_wrap=True)
    if node.advice:
        console.print(one_line(node.advice), markup=False, soft_wrap=True)
    console.print(f"Exit code {node.exit_code}; log: {run.log_path(node)}", markup=False, soft_wrap=True)
