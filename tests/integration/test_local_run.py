"""The local engine on small workflows, with real subprocesses through Hera's runner: what runs, and with what."""

import json
from pathlib import Path

import pytest

from local.engine.run_state import Phase
from tests.support.tiny_workflows import container, executed, prepared, task, workflow


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


@pytest.mark.parametrize(
    ("condition", "phase"),
    [
        ("{{tasks.greet.outputs.parameters.greeting}} != x && {{workflow.name}} != x", Phase.SUCCEEDED),
        ("{{tasks.greet.outputs.parameters.greeting}} == x && {{workflow.name}} != x", Phase.SKIPPED),
        ("{{tasks.greet.outputs.parameters.greeting}} != x && {{workflow.name}} == x", Phase.SKIPPED),
    ],
)
def test_of_several_conditions_all_must_be_true(condition: str, phase: Phase, tmp_path: Path) -> None:
    """As of train, which a cluster may leave to another."""
    tasks = [task("greet", "greet", {"who": "x"}), task("maybe", "names", depends="greet", when=condition)]
    containers = [container("greet", ("who",), ("greeting",)), container("names", outputs=("names",))]
    assert executed(tmp_path, workflow(tasks, containers)).phase_of("maybe") is phase


def test_only_a_step_that_takes_its_environment_from_the_settings_sees_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a Vault that the person's shell knows of is never asked, for a laptop has no pod's identity.

    Each knows the run's name, as by the label of a pod.
    """
    monkeypatch.setenv("VAULT_ADDR", "http://vault.example")
    with_settings = container("setting", outputs=("value",))
    with_settings["script"]["envFrom"] = [{"configMapRef": {"name": "any", "optional": True}}]
    with_settings["script"]["env"].append({"name": "VAULT_ROLE", "value": "pr-sentinel-preprocess"})
    without = container("setting", outputs=("value",)) | {"name": "without"}
    tasks = [task("with", "setting"), task("without", "without")]
    run = executed(tmp_path, workflow(tasks, [with_settings, without]), {"MONGO_URI": "mongodb://here"})
    assert run.output("with", "value") == f"mongodb://here  {run.name}"
    assert run.output("without", "value") == f"  {run.name}"
