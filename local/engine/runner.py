"""Runs a rendered WorkflowTemplate on one machine, each task as the subprocess that its container would be."""

import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from threading import Event
from typing import Any

from local.engine.attempt import Attempt, Machine, attempt
from local.engine.expressions import Unresolved, resolve
from local.engine.run_state import Node, Phase, Run
from local.engine.template import Container, Hook, Task, WorkflowTemplate
from steps.common.errors import ConfigurationError

LOOK_EVERY = 0.2
EXIT = "exit"
Notify = Callable[[Node], None]


def begin(template: WorkflowTemplate, given: Mapping[str, str], runs: Path) -> Run:
    """Make a run's folder and its state, in which nothing has happened yet.

    Raises:
        ConfigurationError: an argument is given that the workflow doesn't have.
    """
    arguments = {argument.name: argument.value for argument in template.spec.arguments.parameters}
    if unknown := given.keys() - arguments.keys():
        raise ConfigurationError(
            f"The workflow has no argument {', '.join(sorted(unknown))}.", advice=f"It has {', '.join(arguments)}."
        )
    runs.mkdir(parents=True, exist_ok=True)
    folder = Path(mkdtemp(prefix=f"{template.metadata.name}-{datetime.now(UTC):%Y%m%d-%H%M%S}-", dir=runs))
    nodes = {name: [Node(name, name, task.template)] for name, task in template.spec.tasks.items()}
    if hooks := template.spec.hooks:
        nodes[EXIT] = [Node(hooks.exit.template, EXIT, hooks.exit.template)]
    return Run(folder.name, folder, arguments | dict(given), nodes)


class LocalRun:
    """The engine: starts what is ready, until all has ended."""

    def __init__(self, template: WorkflowTemplate, run: Run, machine: Machine, notify: Notify) -> None:
        self._spec = template.spec
        self._run = run
        self._machine = machine
        self._notify = notify
        self._stop = Event()
        self._why_stopped = ""

    def execute(self) -> None:
        """Run the graph, then the exit handler; a KeyboardInterrupt ends every step first and skips the handler."""
        began = time.monotonic()
        self._run.phase = Phase.RUNNING
        with ThreadPoolExecutor(self._spec.parallelism) as pool:
            try:
                self._graph(pool, began)
                self._run.phase = Phase.FAILED if self._run.bad_nodes else Phase.SUCCEEDED
                self._exit_handler(pool)
            except BaseException:
                self._end_all("The run was ended.")
                self._run.phase = Phase.FAILED
                raise
            finally:
                self._run.seconds = time.monotonic() - began
                self._run.save()

    def _graph(self, pool: ThreadPoolExecutor, began: float) -> None:
        waiting, running = dict(self._spec.tasks), set[Future[None]]()
        deadline = self._spec.active_deadline_seconds
        while waiting or running:
            for task in [task for task in waiting.values() if self._is_ready(task)]:
                del waiting[task.name]
                running |= self._start(task, pool)
            done, running = wait(running, LOOK_EVERY, FIRST_COMPLETED)
            for future in done:
                future.result()
            if deadline is not None and time.monotonic() - began > deadline:
                self._end_all(f"The workflow took longer than its {deadline} s.")

    def _end_all(self, why: str) -> None:
        """Tell every step to end; the threads that watch them see to it."""
        self._why_stopped = self._why_stopped or why
        self._stop.set()

    @property
    def _values(self) -> dict[str, str]:
        """What references may name at this moment."""
        arguments = {f"workflow.parameters.{name}": value for name, value in self._run.arguments.items()}
        outputs = {
            f"tasks.{node.task}.outputs.parameters.{name}": value
            for node in self._run.all_nodes
            for name, value in node.outputs.items()
        }
        return {"workflow.name": self._run.name, **arguments, **outputs}

    def _is_ready(self, task: Task) -> bool:
        return all(self._run.phase_of(name).is_final for name in task.depends)

    def _start(self, task: Task, pool: ThreadPoolExecutor) -> set[Future[None]]:
        """Decide whether a task runs, and how often."""
        (node,) = self._run.nodes[task.name]
        met = all(self._run.phase_of(name) in phases for name, phases in task.depends.items())
        if not met or self._run.bad_nodes or self._stop.is_set():
            self._end(node, Phase.OMITTED)
            return set()
        values = self._values
        try:
            if task.when and not task.when.holds(values):
                self._end(node, Phase.SKIPPED)
                return set()
            items = _items(task, values)
            inputs = [self._inputs(task, values | item) for item in items]
        except (Unresolved, ValueError) as error:
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
        return {pool.submit(self._work, node, container, given) for node, given in pairs}

    def _inputs(self, use: Task | Hook, values: Mapping[str, str]) -> dict[str, str]:
        """What a container is given: arguments, and defaults for the rest."""
        container = self._spec.containers[use.template]
        given = {argument.name: resolve(argument.value, values) for argument in use.arguments.parameters}
        inputs = {**container.defaults, **given}
        if missing := container.inputs.names - inputs.keys():
            raise Unresolved(f"No value is given for {', '.join(sorted(missing))}.")
        return inputs

    def _exit_handler(self, pool: ThreadPoolExecutor) -> None:
        if self._spec.hooks is None:
            return
        # The handler also runs after a deadline, which has stopped everything else.
        self._stop, self._why_stopped = Event(), ""
        values = self._values | {"workflow.status": self._run.phase, "workflow.failures": self._run.failures()}
        (node,) = self._run.nodes[EXIT]
        hook = self._spec.hooks.exit
        pool.submit(self._work, node, self._spec.containers[hook.template], self._inputs(hook, values)).result()
        if node.phase.is_bad:
            self._run.phase = Phase.FAILED

    def _work(self, node: Node, container: Container, inputs: Mapping[str, str]) -> None:
        """Try until it succeeds, or trying again is useless."""
        node.started, node.phase = time.monotonic(), Phase.RUNNING
        while not self._stop.is_set():
            node.attempts += 1
            node.problem = node.advice = node.message = ""
            self._notify(node)
            result = self._try(node, container, inputs)
            if not node.problem:
                node.outputs = result.outputs
                return self._end(node, Phase.SUCCEEDED)
            if (pause := _pause(container, node.attempts, result.exit_code)) is None:
                break
            node.message = f"{node.problem} Tries again in {pause} s."
            self._notify(node)
            self._stop.wait(pause)
        return self._end(node, Phase.FAILED, self._why_stopped)

    def _try(self, node: Node, container: Container, inputs: Mapping[str, str]) -> Attempt:
        def heard(record: dict[str, Any]) -> None:
            node.message = _progress(record)
            match record:
                case {"level": "error", "advice": advice}:
                    node.problem, node.advice = node.message, str(advice)
                case {"level": "warning", "logger": str(logger)} if logger.startswith("steps."):
                    node.warning = node.message

        log = self._run.log_of(node)
        result = attempt(container, inputs, self._machine, log=log, stop=self._stop, heard=heard)
        node.exit_code, node.peak_bytes = result.exit_code, max(node.peak_bytes, result.peak_bytes)
        if result.late:
            node.problem = f"Took longer than its {container.active_deadline_seconds} s."
        elif result.exit_code:
            node.problem = node.problem or _last_line(log)
        elif result.missing:
            node.problem = f"Ended without its output {', '.join(result.missing)}."
        else:
            node.problem = ""
        return result

    def _end(self, node: Node, phase: Phase, problem: str = "") -> None:
        node.end(phase, problem)
        self._notify(node)


def _items(task: Task, values: Mapping[str, str]) -> list[dict[str, str]]:
    """What `{{item}}` is for each of a task's nodes; without a fan-out there is one, without an item."""
    if task.with_param is None:
        return [{}]
    items = json.loads(resolve(task.with_param, values))
    if not isinstance(items, list):
        raise ValueError("withParam is no JSON list")
    return [{"item": item if isinstance(item, str) else json.dumps(item)} for item in items]


def _pause(container: Container, attempts: int, exit_code: int) -> int | None:
    """How many seconds to wait before the next try, if there is to be one."""
    strategy = container.retry_strategy
    if strategy is None or attempts > strategy.limit or exit_code in strategy.expression.exit_codes:
        return None
    return int(strategy.backoff.seconds * strategy.backoff.factor ** (attempts - 1))


def _last_line(log: Path) -> str:
    """What a step said last, where it had no words of its own for what went wrong."""
    lines = log.read_text("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "Ended without a word."


def _progress(record: dict[str, Any]) -> str:
    """How far a step is, where it says so in numbers; else its words."""
    match record:
        case {"done": int(done), "total": int(total)}:
            return f"{done:,} of {total:,}"
    return str(record["message"])
