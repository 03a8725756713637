"""Small workflows that fail: failures, retries, deadlines, interrupts, kills."""

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from local.engine.run_state import Phase
from local.engine.runner import explain_exit
from tests.support.tiny_workflows import (
    RETRY,
    container,
    executed,
    failing,
    lingering,
    plain,
    prepared,
    survivors,
    task,
    workflow,
)
from tests.support.waiting import wait_for_text

ROOT = Path(__file__).parents[2]
FULL_IS_FINAL = "asInt(lastRetry.exitCode) not in [65, 74]"


def test_a_list_that_is_none_fails_its_task_and_the_run_ends(tmp_path: Path) -> None:
    """Later tasks are never reached."""
    items = "{{tasks.greet.outputs.parameters.greeting}}"
    tasks = [
        task("greet", "greet", {"who": "x"}),
        task("each", "greet", {"who": "{{item}}"}, depends="greet", withParam=items),
        task("then", "greet", {"who": "y"}, depends="each"),
    ]
    run = executed(tmp_path, workflow(tasks, [container("greet", ("who",), ("greeting",))]))
    assert (run.phase_of("each"), run.phase_of("then"), run.phase) == (Phase.ERROR, Phase.OMITTED, Phase.FAILED)


def test_a_step_that_fails_once_is_tried_again(tmp_path: Path) -> None:
    """Exit code 75 is not among those after which trying again is useless."""
    arguments = {"folder": str(tmp_path), "exit_code": "75", "times": "1"}
    containers = [failing(retryStrategy=RETRY)]
    run = executed(tmp_path, workflow([task("fails", "fails", arguments)], containers))
    (node,) = run.nodes["fails"]
    assert (node.phase, node.attempts, node.outputs) == (Phase.SUCCEEDED, 2, {"tries": "xx"})
    assert not node.problem


@pytest.mark.parametrize(("exit_code", "attempts"), [(75, 3), (1, 3), (65, 1), (78, 1)])
def test_a_step_is_tried_as_often_as_its_exit_code_deserves(tmp_path: Path, exit_code: int, attempts: int) -> None:
    """Permanent errors end at once, others after the limit; the words of the step are kept."""
    arguments = {"folder": str(tmp_path), "exit_code": str(exit_code), "times": "9"}
    containers = [failing(retryStrategy=RETRY)]
    run = executed(tmp_path, workflow([task("fails", "fails", arguments)], containers))
    (node,) = run.failed_nodes
    assert (node.attempts, node.exit_code) == (attempts, exit_code)
    assert (node.problem, node.advice) == ("It is broken.", "Mend it.")


def test_the_exit_handler_hears_how_the_run_ended_and_what_failed(tmp_path: Path) -> None:
    """A crash is reported by the last line of its traceback, and nothing after it runs."""
    hook = {
        "template": "note",
        "arguments": {
            "parameters": [
                {"name": "folder", "value": str(tmp_path)},
                {"name": "text", "value": "{{workflow.status}} {{workflow.failures}}"},
            ]
        },
    }
    tasks = [task("crashes", "crashes"), task("names", "names", depends="crashes")]
    containers = [container("crashes"), container("names", outputs=("names",)), container("note", ("folder", "text"))]
    run = executed(tmp_path, workflow(tasks, containers, hooks={"exit": hook}))
    assert run.phase is Phase.FAILED
    assert run.phase_of("names") is Phase.OMITTED
    status, failures = (tmp_path / "notes").read_text().split(" ", 1)
    assert status == "Failed"
    (failure,) = json.loads(json.loads(failures))
    assert failure["displayName"] == "crashes"
    assert failure["message"] == "RuntimeError: nobody thought of this"


def test_one_repository_that_fails_does_not_keep_the_others_from_being_tried(tmp_path: Path) -> None:
    """All items of a fan-out run; the task as a whole has failed."""
    items = "{{tasks.names.outputs.parameters.names}}"
    arguments = {"folder": "{{item}}", "exit_code": "65", "times": "1"}
    tasks = [task("names", "names"), task("fails", "fails", arguments, depends="names", withParam=items)]
    containers = [
        container("names", outputs=("names",)),
        failing(),
    ]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "tries").write_text("x")
    run = executed(tmp_path, workflow(tasks, containers))
    assert [node.phase for node in run.nodes["fails"]] == [Phase.FAILED, Phase.SUCCEEDED, Phase.FAILED]
    assert run.phase_of("fails") is Phase.FAILED


@pytest.mark.parametrize(
    ("tried", "then", "phase"),
    [
        ("ab", Phase.SUCCEEDED, Phase.SUCCEEDED),
        ("b", Phase.SUCCEEDED, Phase.SUCCEEDED),
        ("", Phase.OMITTED, Phase.FAILED),
    ],
)
def test_a_task_goes_on_with_what_succeeded(tmp_path: Path, tried: str, then: Phase, phase: Phase) -> None:
    """A task that needs any success of a fan-out runs, and its run succeeds, unless none is left."""
    items = "{{tasks.names.outputs.parameters.names}}"
    arguments = {"folder": "{{item}}", "exit_code": "65", "times": "1"}
    tasks = [
        task("names", "names"),
        task("fails", "fails", arguments, depends="names", withParam=items),
        task("then", "names", depends="fails.AnySucceeded"),
    ]
    for name in "abc":
        (tmp_path / name).mkdir()
        (tmp_path / name / "tries").write_text("x" if name in tried else "")
    run = executed(tmp_path, workflow(tasks, [container("names", outputs=("names",)), failing()]))
    assert (len(run.failed_nodes), run.phase_of("then"), run.phase) == (3 - len(tried), then, phase)


def test_a_step_that_outlasts_its_deadline_is_ended_with_all_it_started(tmp_path: Path) -> None:
    """The deadline of a template ends the step and its children."""
    containers = [lingering(activeDeadlineSeconds=2)]
    run = executed(tmp_path, workflow([task("lingers", "lingers", {"folder": str(tmp_path)})], containers))
    (node,) = run.failed_nodes
    assert node.problem == "Exceeded its deadline of 2 s."
    assert not survivors(tmp_path)


def test_a_workflow_that_outlasts_its_deadline_ends_and_still_concludes(tmp_path: Path) -> None:
    """The exit handler is not bound by the deadline that ended the rest."""
    arguments = {"parameters": [{"name": "folder", "value": str(tmp_path)}, {"name": "text", "value": "concluded"}]}
    document = workflow(
        [task("lingers", "lingers", {"folder": str(tmp_path)})],
        [lingering(retryStrategy=RETRY), container("note", ("folder", "text"))],
        activeDeadlineSeconds=2,
        hooks={"exit": {"template": "note", "arguments": arguments}},
    )
    run = executed(tmp_path, document)
    assert [node.problem for node in run.failed_nodes] == ["The workflow exceeded its deadline of 2 s."]
    assert (tmp_path / "notes").read_text() == "concluded\n"


def test_an_interrupt_ends_the_steps_and_what_they_started(tmp_path: Path) -> None:
    """As Ctrl-C does; the record says that the run has failed."""
    document = workflow([task("lingers", "lingers", {"folder": str(tmp_path)})], [lingering()])
    engine, run = prepared(tmp_path, document)

    def interrupt() -> None:
        wait_for_text(tmp_path / "pids")
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        engine.execute()
    assert not survivors(tmp_path)
    assert json.loads((run.folder / "run.json").read_text())["phase"] == "Failed"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux signals a process when its parent exits")
def test_a_step_does_not_outlive_a_run_that_is_killed(tmp_path: Path) -> None:
    """kill -9 of the runner ends the step."""
    document = workflow([task("lingers", "lingers", {"folder": str(tmp_path)})], [lingering()])
    prepared(tmp_path, document)
    program = (
        "import sys; from pathlib import Path; from local.engine import attempt, runner, template_reader;"
        "folder = Path(sys.argv[1]); template = template_reader.read(folder / 'template.yaml');"
        "run = runner.create_run(template, {}, folder / 'runs');"
        "runner.WorkflowEngine(template, run, attempt.Machine(folder, {}), print).execute()"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    runner = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], env=environment, stdout=subprocess.DEVNULL
    )
    step = psutil.Process(int(wait_for_text(tmp_path / "pids").split()[0]))
    runner.kill()
    runner.wait()
    psutil.Process(int((tmp_path / "pids").read_text().split()[1])).kill()
    step.wait(timeout=10)
    assert not step.is_running()


def test_a_step_that_could_not_even_say_that_the_disk_is_full_is_understood(tmp_path: Path) -> None:
    """Its log is on that disk too; the exit code says it, and it is not tried again."""
    silent = plain(container("fills", (), (), retryStrategy=RETRY | {"expression": FULL_IS_FINAL}), "exit(74)")
    run = executed(tmp_path, workflow([task("fills", "fills")], [silent]))
    (node,) = run.nodes["fills"]
    assert (node.attempts, node.exit_code) == (1, 74)
    assert node.problem == f"No space left for {run.log_path(node).parent}."


def test_a_disk_that_is_full_is_named_though_the_step_exits_otherwise(megabyte: Path) -> None:
    """An interpreter that can't write its last words has a code of its own."""
    log = megabyte / "fills.log"
    with suppress(OSError), log.open("wb", buffering=0) as filled:
        while filled.write(bytes(65_536)):
            pass
    assert explain_exit(log, 120) == f"No space left for {megabyte}."
