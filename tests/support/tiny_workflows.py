"""Small workflows of small steps, to try the local engine with."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import yaml

from local.engine import template_reader
from local.engine.attempt import Machine
from local.engine.run_state import Node, WorkflowRun
from local.engine.runner import WorkflowEngine, create_run

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
    return " ".join(os.environ.get(name, "") for name in ("MONGO_URI", "VAULT_ADDR", "WORKFLOW_NAME"))

def crashes() -> None:
    raise RuntimeError("nobody thought of this")
"""
FAILS = """
import json, os, sys
given = {entry["name"]: entry["value"] for entry in json.load(open(sys.argv[1]))}
with open(os.path.join(given["folder"], "tries"), "a+") as tries:
    tries.write("x")
    tries.seek(0)
    tried = tries.read()
if len(tried) <= int(given["times"]):
    print(json.dumps({"level": "error", "message": "It is broken.", "advice": "Mend it."}), file=sys.stderr)
    sys.exit(int(given["exit_code"]))
outputs = os.path.join(os.environ["hera__outputs_directory"], "parameters")
os.makedirs(outputs)
with open(os.path.join(outputs, "tries"), "w") as output:
    output.write(tried)
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
    return plain(container("lingers", ("folder",), **more), LINGERS)


def failing(**more: Any) -> dict[str, Any]:
    """A template that fails so many times."""
    return plain(container("fails", ("folder", "exit_code", "times"), ("tries",), **more), FAILS)


def plain(made: dict[str, Any], source: str) -> dict[str, Any]:
    """The same template around a few lines of Python without Hera."""
    made["script"]["args"] = ["-c", source]
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


def prepared(
    tmp_path: Path, document: dict[str, Any], settings: dict[str, str] | None = None, **given: str
) -> tuple[WorkflowEngine, WorkflowRun]:
    """The engine on a template, ready to start, and its run."""
    (tmp_path / "tiny.py").write_text(STEPS)
    (tmp_path / "template.yaml").write_text(yaml.safe_dump(document))
    template = template_reader.read(tmp_path / "template.yaml")
    run = create_run(template, given, tmp_path / "runs")
    heard: list[Node] = []
    return WorkflowEngine(template, run, Machine(tmp_path, settings or {}), heard.append), run


def executed(
    tmp_path: Path, document: dict[str, Any], settings: dict[str, str] | None = None, **given: str
) -> WorkflowRun:
    """The run of a template, when it has ended."""
    engine, run = prepared(tmp_path, document, settings, **given)
    engine.execute()
    return run


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
