"""The engine that runs a rendered WorkflowTemplate on one machine, each container as a subprocess."""

import json
import shutil
import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from threading import Event
from typing import Any

from local.engine.attempt import Attempt, Machine, run_attempt
from local.engine.expressions import UnresolvedReference, resolve
from local.engine.run_state import Node, Phase, WorkflowRun
from local.engine.template import Container, Hook, Task, WorkflowTemplate
from steps.common.errors import ConfigurationError, StorageFull

POLL_SECONDS = 0.2
MIN_FREE_BYTES = 64 << 10
"""With less free space, a step can't even say what is wrong."""
EXIT = "exit"
Notify = Callable[[Node], None]


def create_run(template: WorkflowTemplate, given: Mapping[str, str], runs: Path) -> WorkflowRun:
    """Create a run: its folder and its initial state.

    Raises:
        ConfigurationError: the workflow does not have one of the arguments.
    """
    arguments = {argument.name: argument.value for argument in template.spec.arguments.parameters}
    if unknown := given.keys() - arguments.keys():
        raise ConfigurationError(
            f"The workflow has no argument {', '.join(sorted(unknown))}.", advice=f"Use {', '.join(arguments)}."
        )
    runs.mkdir(parents=True, exist_ok=True)
    folder = Path(mkdtemp(prefix=f"{template.metadata.name}-{datetime.now(UTC):%Y%m%d-%H%M%S}-", dir=runs))
    nodes = {name: [Node(name, name, task.template)] for name, task in template.spec.tasks.items()}
    if hooks := template.spec.hooks:
        nodes[EXIT] = [Node(hooks.exit.template, EXIT, hooks.exit.template)]
    return WorkflowRun(folder.name, folder, arguments | dict(given), nodes)


class WorkflowEngine:
    """Runs one workflow: starts every task that is ready, until all have finished."""

    def __init__(self, template: WorkflowTemplate, run: WorkflowRun, machine: Machine, notify: Notify) -> None:
        self._spec = template.spec
        self._run = run
        self._machine = replace(machine, run=run.name)
        self._notify = notify
        self._stop = Event()
        self._stop_reason = ""

    def execute(self) -> None:
        """Run the graph, then the exit handler; a KeyboardInterrupt stops all steps and skips the handler."""
        began = time.monotonic()
        self._run.phase = Phase.RUNNING
        with ThreadPoolExecutor(self._spec.parallelism) as pool:
            try:
                self._run_graph(pool, began)
                self._run.phase = self._find_phase()
                self._run_exit_handler(pool)
            except BaseException:
                self._stop_all("The run was interrupted.")
                self._run.phase = Phase.FAILED
                raise
            finally:
                self._run.seconds = time.monotonic() - began
                self._run.save()

    def _run_graph(self, pool: ThreadPoolExecutor, began: float) -> None:
        waiting, running = dict(self._spec.tasks), set[Future[None]]()
        deadline = self._spec.active_deadline_seconds
        while waiting or running:
            for task in [task for task in waiting.values() if self._is_ready(task)]:
                del waiting[task.name]
                running |= self._start_task(task, pool)
            done, running = wait(running, POLL_SECONDS, FIRST_COMPLETED)
            for future in done:
                future.result()
            if deadline is not None and time.monotonic() - began > deadline:
                self._stop_all(f"The workflow exceeded its deadline of {deadline} s.")

    def _find_phase(self) -> Phase:
        """Return the phase of the graph, which its last tasks decide: they may go on without part of a fan-out."""
        before = {name for task in self._spec.tasks.values() for name in task.depends}
        last = [self._run.phase_of(name) for name in self._spec.tasks.keys() - before]
        cut_short = Phase.OMITTED in last and bool(self._run.failed_nodes)
        return Phase.FAILED if cut_short or any(phase.is_failure for phase in last) else Phase.SUCCEEDED

    def _stop_all(self, reason: str) -> None:
        """Signal the threads that watch the steps to stop them."""
        self._stop_reason = self._stop_reason or reason
        self._stop.set()

    @property
    def _values(self) -> dict[str, str]:
        """The values that references may use at this moment."""
        arguments = {f"workflow.parameters.{name}": value for name, value in self._run.arguments.items()}
        outputs = {
            f"tasks.{node.task}.outputs.parameters.{name}": value
            for node in self._run.all_nodes
            for name, value in node.outputs.items()
        }
        return {"workflow.name": self._run.name, **arguments, **outputs}

    def _is_ready(self, task: Task) -> bool:
        return all(self._run.phase_of(name).is_final for name in task.depends)

    def _start_task(self, task: Task, pool: ThreadPoolExecutor) -> set[Future[None]]:
        """Start a task's nodes, unless the task is skipped or omitted."""
        (node,) = self._run.nodes[task.name]
        if self._stop.is_set() or not all(self._run.has_result(*wanted) for wanted in task.depends.items()):
            self._end(node, Phase.OMITTED)
            return set()
        values = self._values
        try:
            if task.when and not task.when.is_met(values):
                self._end(node, Phase.SKIPPED)
                return set()
            items = _expand_items(task, values)
            inputs = [self._resolve_inputs(task, values | item) for item in items]
        except (UnresolvedReference, ValueError) as error:
            self._end(node, Phase.ERROR, str(error))
            return set()
        if not items:
            self._end(node, Phase.SKIPPED)
            return set()
        if task.with_param is not None:
            self._run.nodes[task.name] = [
                Node(f"{task.name}-{index}", task.name, task.template, item["item"]) for index, item in enumerate(items)
            ]
        container = self._spec.containers[task.template]
        pairs = zip(self._run.nodes[task.name], inputs, strict=True)
        return {pool.submit(self._run_node, node, container, given) for node, given in pairs}

    def _resolve_inputs(self, use: Task | Hook, values: Mapping[str, str]) -> dict[str, str]:
        """Resolve a container's inputs from the arguments and the defaults."""
        container = self._spec.containers[use.template]
        given = {argument.name: resolve(argument.value, values) for argument in use.arguments.parameters}
        inputs = {**container.defaults, **given}
        if missing := container.inputs.names - inputs.keys():
            raise UnresolvedReference(f"No value is given for {', '.join(sorted(missing))}.")
        return inputs

    def _run_exit_handler(self, pool: ThreadPoolExecutor) -> None:
        if self._spec.hooks is None:
            return
        # The handler also runs after a deadline has stopped everything else.
        self._stop, self._stop_reason = Event(), ""
        values = self._values | {"workflow.status": self._run.phase, "workflow.failures": self._run.format_failures()}
        (node,) = self._run.nodes[EXIT]
        hook = self._spec.hooks.exit
        pool.submit(
            self._run_node, node, self._spec.containers[hook.template], self._resolve_inputs(hook, values)
        ).result()
        if node.phase.is_failure:
            self._run.phase = Phase.FAILED

    def _run_node(self, node: Node, container: Container, inputs: Mapping[str, str]) -> None:
        """Run a node until it succeeds or must not be retried."""
        node.started, node.phase = time.monotonic(), Phase.RUNNING
        while not self._stop.is_set():
            node.attempts += 1
            node.problem = node.advice = node.message = ""
            self._notify(node)
            result = self._run_attempt(node, container, inputs)
            if not node.problem:
                node.outputs = result.outputs
                return self._end(node, Phase.SUCCEEDED)
            if (pause := _backoff_seconds(container, node.attempts, result.exit_code)) is None:
                break
            node.message = f"{node.problem} Retrying in {pause} s."
            self._notify(node)
            self._stop.wait(pause)
        return self._end(node, Phase.FAILED, self._stop_reason)

    def _run_attempt(self, node: Node, container: Container, inputs: Mapping[str, str]) -> Attempt:
        def heard(record: dict[str, Any]) -> None:
            node.message = _format_progress(record)
            match record:
                case {"level": "error", "advice": advice}:
                    node.problem, node.advice = node.message, str(advice)
                case {"level": "warning", "logger": str(logger)} if logger.startswith("steps."):
                    node.warning = node.message

        log = self._run.log_path(node)
        result = run_attempt(container, inputs, self._machine, log=log, stop=self._stop, heard=heard)
        node.exit_code, node.peak_bytes = result.exit_code, max(node.peak_bytes, result.peak_bytes)
        if result.timed_out:
            node.problem = f"Exceeded its deadline of {container.active_deadline_seconds} s."
        elif result.exit_code:
            node.problem = node.problem or explain_exit(log, result.exit_code)
        elif result.missing:
            node.problem = f"Did not write its output {', '.join(result.missing)}."
        else:
            node.problem = ""
        return result

    def _end(self, node: Node, phase: Phase, problem: str = "") -> None:
        node.end(phase, problem)
        self._notify(node)


def _expand_items(task: Task, values: Mapping[str, str]) -> list[dict[str, str]]:
    """Return `{{item}}` for each of a task's nodes; without a fan-out, a single node without an item."""
    if task.with_param is None:
        return [{}]
    items = json.loads(resolve(task.with_param, values))
    if not isinstance(items, list):
        raise ValueError("withParam is not a JSON list")
    return [{"item": item if isinstance(item, str) else json.dumps(item)} for item in items]


def _backoff_seconds(container: Container, attempts: int, exit_code: int) -> int | None:
    """Return the seconds to wait before the next attempt; None to stop retrying."""
    strategy = container.retry_strategy
    if strategy is None or attempts > strategy.limit or exit_code in strategy.expression.exit_codes:
        return None
    return int(strategy.backoff.seconds * strategy.backoff.factor ** (attempts - 1))


def explain_exit(log: Path, exit_code: int) -> str:
    """Return why a step ended that logged no error: a full disk, which takes no log either, or its last line."""
    if exit_code == StorageFull.exit_code or shutil.disk_usage(log.parent).free < MIN_FREE_BYTES:
        return f"No space left for {log.parent}."
    lines = log.read_text("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "Exited without any output."


def _format_progress(record: dict[str, Any]) -> str:
    """Format the counts of a progress record, or its message."""
    match record:
        case {"done": int(done), "total": int(total)}:
            return f"{done:,} of {total:,}"
    return str(record["message"])
