"""The local engine on small templates, with real subprocesses through Hera's runner."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from workflows import reading
from workflows.attempt import Machine
from workflows.local import LocalRun, begin
from workflows.run_state import Node, Phase, Run

ROOT = Path(__file__).parents[2]
STEPS = """
import json, os, subprocess, sys, time
from pathlib import Path
from typing import Annotated
from hera.workflows import Parameter

def names() -> Annotated[list[str], Parameter(name="names")]:
    return ["a", "b", "c"]

def none() -> Annotated[list[str], Parameter(name="names")]:
    return []

def greet(who: str) -> Annotated[str, Parameter(name="greeting")]:
    print(json.dumps({"level": "info", "message": "greeting", "done": 1300, "total": 4200}), file=sys.stderr)
    return "hello " + who

def note(folder: str, text: str) -> None:
    with Path(folder, "notes").open("a") as notes:
        notes.write(text + "\\n")

def setting() -> Annotated[str, Parameter(name="value")]:
    return os.environ.get("MONGO_URI", "") + os.environ.get("VAULT_ADDR", "")

def fails(folder: str, exit_code: int, times: int) -> Annotated[str, Parameter(name="tries")]:
    tries = Path(folder, "tries")
    tries.write_text((tries.read_text() if tries.exists() else "") + "x")
    if len(tries.read_text()) <= times:
        line = {"level": "error", "message": "It is broken.", "advice": "Mend it."}
        print(json.dumps(line), file=sys.stderr)
        raise SystemExit(exit_code)
    return tries.read_text()

def crashes() -> None:
    raise RuntimeError("nobody thought of this")
"""
LINGERS = """
import json, os, subprocess, sys, time
(folder,) = (entry["value"] for entry in json.load(open(sys.argv[1])))
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
with open(os.path.join(folder, "pids"), "w") as pids:
    pids.write(f"{os.getpid()} {child.pid}")
time.sleep(300)
"""
RETRY = {
    "limit": 2,
    "retryPolicy": "Always",
    "expression": "asInt(lastRetry.exitCode) not in [65, 78]",
    "backoff": {"duration": "0s", "factor": 2},
}


def container(name: str, inputs: tuple[str, ...] = (), outputs: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    """A template that runs one of the small steps."""
    return {
        "name": name,
        "inputs": {"parameters": [{"name": name} for name in inputs]},
        "outputs": {"parameters": [{"name": o, "valueFrom": {"path": f"/o/parameters/{o}"}} for o in outputs]},
        "script": {
            "image": "tiny",
            "command": ["python"],
            "args": ["-m", "hera.workflows.runner", "-e", f"tiny:{name}"],
            "source": "{{inputs.parameters}}",
            "env": [{"name": "hera__outputs_directory", "value": "/o"}],
        },
        **more,
    }


def lingering(**more: Any) -> dict[str, Any]:
    """A template that does not end by itself; without Hera it starts at once, so that no deadline comes too early."""
    made = container("lingers", ("folder",), **more)
    made["script"]["args"] = ["-c", LINGERS]
    return made


def task(name: str, template: str, arguments: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """A use of a template."""
    parameters = [{"name": name, "value": value} for name, value in (arguments or {}).items()]
    return {"name": name, "template": template, "arguments": {"parameters": parameters}, **more}


def workflow(tasks: list[dict[str, Any]], containers: list[dict[str, Any]], **spec: Any) -> dict[str, Any]:
    """A whole WorkflowTemplate."""
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "WorkflowTemplate",
        "metadata": {"name": "tiny"},
        "spec": {"entrypoint": "main", "templates": [*containers, {"name": "main", "dag": {"tasks": tasks}}], **spec},
    }


def prepared(tmp_path: Path, document: dict[str, Any], settings: dict[str, str] | None = None, **given: str) -> Any:
    """The engine on a template, ready to start, and its run."""
    (tmp_path / "tiny.py").write_text(STEPS)
    (tmp_path / "template.yaml").write_text(yaml.safe_dump(document))
    template = reading.read(tmp_path / "template.yaml")
    run = begin(template, given, tmp_path / "runs")
    heard: list[Node] = []
    return LocalRun(template, run, Machine(tmp_path, settings or {}), heard.append), run


def executed(tmp_path: Path, document: dict[str, Any], settings: dict[str, str] | None = None, **given: str) -> Run:
    """The run of a template, when it has ended."""
    engine, run = prepared(tmp_path, document, settings, **given)
    engine.execute()
    return run


def wait_for(path: Path) -> str:
    """What a file holds as soon as it holds something."""
    for _ in range(600):
        if path.is_file() and (text := path.read_text()):
            return text
        time.sleep(0.05)
    raise AssertionError(f"{path} never came")


def survivors(tmp_path: Path) -> list[psutil.Process]:
    """The processes of `lingers` that still run."""
    processes = []
    for pid in (tmp_path / "pids").read_text().split():
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(int(pid))
            # Nobody need have collected the exit code of one whose parent has ended too.
            if process.status() != psutil.STATUS_ZOMBIE:
                processes.append(process)
    return processes


def test_outputs_of_one_task_are_inputs_of_the_next_and_a_list_fans_out(tmp_path: Path) -> None:
    """Three names become three greetings; each has its log and a place in the record with seconds and memory."""
    tasks = [
        task("names", "names"),
        task(
            "greet", "greet", {"who": "{{item}}"}, depends="names", withParam="{{tasks.names.outputs.parameters.names}}"
        ),
    ]
    document = workflow(tasks, [container("names", outputs=("names",)), container("greet", ("who",), ("greeting",))])
    run = executed(tmp_path, document | {"spec": document["spec"] | {"parallelism": 2}})
    assert run.phase is Phase.SUCCEEDED
    assert [node.outputs["greeting"] for node in run.nodes["greet"]] == ["hello a", "hello b", "hello c"]
    assert '"message": "greeting"' in (run.folder / "greet-1.log").read_text()
    record = json.loads((run.folder / "run.json").read_text())
    assert record["phase"] == "Succeeded"
    assert [node["name"] for node in record["nodes"]] == ["names", "greet-0", "greet-1", "greet-2"]
    assert all(node["peak_bytes"] > 1_000_000 and node["seconds"] > 0 for node in record["nodes"])


def test_a_step_says_how_far_it_is(tmp_path: Path) -> None:
    """A log line with `done` and `total` becomes progress in words."""
    engine, run = prepared(tmp_path, workflow([task("greet", "greet", {"who": "x"})], [container("greet", ("who",))]))
    engine.execute()
    assert run.nodes["greet"][0].message == "1,300 of 4,200"


def test_an_empty_list_skips_its_task_and_what_follows_still_runs(tmp_path: Path) -> None:
    """As on Argo, where a bare dependency takes a skipped task for good enough."""
    items = "{{tasks.none.outputs.parameters.names}}"
    tasks = [
        task("none", "none"),
        task("greet", "greet", {"who": "{{item}}"}, depends="none", withParam=items),
        task("note", "note", {"folder": str(tmp_path), "text": "after"}, depends="greet"),
    ]
    containers = [
        container("none", outputs=("names",)),
        container("greet", ("who",), ("greeting",)),
        container("note", ("folder", "text")),
    ]
    run = executed(tmp_path, workflow(tasks, containers))
    assert run.phase_of("greet") is Phase.SKIPPED
    assert (tmp_path / "notes").read_text() == "after\n"


def test_a_list_that_is_none_fails_its_task_and_the_run_ends(tmp_path: Path) -> None:
    """What follows is never reached."""
    items = "{{tasks.greet.outputs.parameters.greeting}}"
    tasks = [
        task("greet", "greet", {"who": "x"}),
        task("each", "greet", {"who": "{{item}}"}, depends="greet", withParam=items),
        task("then", "greet", {"who": "y"}, depends="each"),
    ]
    run = executed(tmp_path, workflow(tasks, [container("greet", ("who",), ("greeting",))]))
    assert (run.phase_of("each"), run.phase_of("then"), run.phase) == (Phase.ERROR, Phase.OMITTED, Phase.FAILED)


def test_a_condition_that_is_false_skips_the_task_and_omits_what_needs_its_success(tmp_path: Path) -> None:
    """The shape of train and register where there is too little to learn from."""
    tasks = [
        task("greet", "greet", {"who": "x"}),
        task("maybe", "names", depends="greet", when="{{tasks.greet.outputs.parameters.greeting}} == true"),
        task("then", "names", depends="maybe.Succeeded"),
    ]
    containers = [container("greet", ("who",), ("greeting",)), container("names", outputs=("names",))]
    run = executed(tmp_path, workflow(tasks, containers))
    assert run.phase is Phase.SUCCEEDED
    assert (run.phase_of("maybe"), run.phase_of("then")) == (Phase.SKIPPED, Phase.OMITTED)


def test_a_step_that_fails_once_is_tried_again(tmp_path: Path) -> None:
    """Exit code 75 is not among those after which trying again is useless."""
    arguments = {"folder": str(tmp_path), "exit_code": "75", "times": "1"}
    containers = [container("fails", ("folder", "exit_code", "times"), ("tries",), retryStrategy=RETRY)]
    run = executed(tmp_path, workflow([task("fails", "fails", arguments)], containers))
    (node,) = run.nodes["fails"]
    assert (node.phase, node.attempts, node.outputs) == (Phase.SUCCEEDED, 2, {"tries": "xx"})
    assert not node.problem


@pytest.mark.parametrize(("exit_code", "attempts"), [(75, 3), (1, 3), (65, 1), (78, 1)])
def test_a_step_is_tried_as_often_as_its_exit_code_deserves(tmp_path: Path, exit_code: int, attempts: int) -> None:
    """Permanent errors end at once, others after the limit; the words of the step are kept."""
    arguments = {"folder": str(tmp_path), "exit_code": str(exit_code), "times": "9"}
    containers = [container("fails", ("folder", "exit_code", "times"), ("tries",), retryStrategy=RETRY)]
    run = executed(tmp_path, workflow([task("fails", "fails", arguments)], containers))
    (node,) = run.bad_nodes
    assert (node.attempts, node.exit_code) == (attempts, exit_code)
    assert (node.problem, node.advice) == ("It is broken.", "Mend it.")


def test_the_exit_handler_hears_how_the_run_ended_and_what_failed(tmp_path: Path) -> None:
    """A crash without words of its own is told by the last line of its traceback, and nothing after it runs."""
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
        container("fails", ("folder", "exit_code", "times"), ("tries",)),
    ]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "tries").write_text("x")
    run = executed(tmp_path, workflow(tasks, containers))
    assert [node.phase for node in run.nodes["fails"]] == [Phase.FAILED, Phase.SUCCEEDED, Phase.FAILED]
    assert run.phase_of("fails") is Phase.FAILED


def test_only_a_step_that_takes_its_environment_from_the_settings_sees_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a Vault that the person's shell knows of is never asked, for a laptop has no pod's identity."""
    monkeypatch.setenv("VAULT_ADDR", "http://vault.example")
    with_settings = container("setting", outputs=("value",))
    with_settings["script"]["envFrom"] = [{"configMapRef": {"name": "any", "optional": True}}]
    without = container("setting", outputs=("value",)) | {"name": "without"}
    tasks = [task("with", "setting"), task("without", "without")]
    run = executed(tmp_path, workflow(tasks, [with_settings, without]), {"MONGO_URI": "mongodb://here"})
    assert run.output("with", "value") == "mongodb://here"
    assert not run.output("without", "value")


def test_a_step_that_outlasts_its_deadline_is_ended_with_all_it_started(tmp_path: Path) -> None:
    """The deadline of a template ends the step and its children."""
    containers = [lingering(activeDeadlineSeconds=2)]
    run = executed(tmp_path, workflow([task("lingers", "lingers", {"folder": str(tmp_path)})], containers))
    (node,) = run.bad_nodes
    assert node.problem == "Took longer than its 2 s."
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
    assert [node.problem for node in run.bad_nodes] == ["The workflow took longer than its 2 s."]
    assert (tmp_path / "notes").read_text() == "concluded\n"


def test_an_interrupt_ends_the_steps_and_what_they_started(tmp_path: Path) -> None:
    """As Ctrl-C does; the record says that the run has failed."""
    document = workflow([task("lingers", "lingers", {"folder": str(tmp_path)})], [lingering()])
    engine, run = prepared(tmp_path, document)

    def interrupt() -> None:
        wait_for(tmp_path / "pids")
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        engine.execute()
    assert not survivors(tmp_path)
    assert json.loads((run.folder / "run.json").read_text())["phase"] == "Failed"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent is gone")
def test_a_step_does_not_outlive_a_run_that_is_killed(tmp_path: Path) -> None:
    """kill -9 of the runner ends the step."""
    document = workflow([task("lingers", "lingers", {"folder": str(tmp_path)})], [lingering()])
    prepared(tmp_path, document)
    program = (
        "import sys; from pathlib import Path; from workflows import attempt, local, reading;"
        "folder = Path(sys.argv[1]); template = reading.read(folder / 'template.yaml');"
        "run = local.begin(template, {}, folder / 'runs');"
        "local.LocalRun(template, run, attempt.Machine(folder, {}), print).execute()"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    runner = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], env=environment, stdout=subprocess.DEVNULL
    )
    step = psutil.Process(int(wait_for(tmp_path / "pids").split()[0]))
    runner.kill()
    runner.wait()
    psutil.Process(int((tmp_path / "pids").read_text().split()[1])).kill()
    step.wait(timeout=10)
    assert not step.is_running()
