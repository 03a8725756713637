"""The committed YAML matches the code and the contracts of the steps."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from hera.workflows.io import Input

from local.engine import template_reader
from steps.common.errors import PERMANENT_EXIT_CODES
from steps.fetch.step import DiscoverInput, FetchInput
from steps.preprocess.step import PreprocessInput
from steps.register.step import ConcludeInput, RegisterInput
from steps.train.step import TrainInput
from tests.support import kubectl
from workflows import render
from workflows.pipeline import build_pipeline

CONTRACTS: dict[str, type[Input]] = {
    "discover": DiscoverInput,
    "fetch": FetchInput,
    "preprocess": PreprocessInput,
    "train": TrainInput,
    "register": RegisterInput,
}


def containers() -> list[dict[str, Any]]:
    """Return the committed templates that run a container."""
    document = yaml.safe_load(render.TEMPLATE.read_text("utf-8"))
    return [template for template in document["spec"]["templates"] if "script" in template]


@pytest.mark.parametrize("path", sorted(render.render_files()), ids=lambda path: path.name)
def test_the_committed_file_is_up_to_date(path: Path) -> None:
    """A difference means that `make render` was forgotten, or that a generated file was edited."""
    assert path.read_text("utf-8") == render.render_files()[path]


def test_rendering_is_deterministic() -> None:
    """The order is stable."""
    assert render.render_files() == render.render_files()


def test_every_task_passes_exactly_the_inputs_of_its_contract() -> None:
    """None is missing, and none would be ignored."""
    tasks = template_reader.read(render.TEMPLATE).spec.tasks
    passed = {name: {argument.name for argument in task.arguments.parameters} for name, task in tasks.items()}
    assert passed == {name: set(contract.model_fields) for name, contract in CONTRACTS.items()}


def test_the_exit_handler_gets_exactly_the_inputs_of_its_contract() -> None:
    """Under the names that Argo provides."""
    hooks = template_reader.read(render.TEMPLATE).spec.hooks
    assert hooks is not None
    assert {argument.name for argument in hooks.exit.arguments.parameters} == set(ConcludeInput.model_fields)


def test_every_task_after_the_fan_out_depends_on_it_directly() -> None:
    """After `argo retry`, Argo completes the group of a fan-out only for such a task, and otherwise never ends."""
    tasks = template_reader.read(render.TEMPLATE).spec.tasks
    assert {name for name, task in tasks.items() if "fetch" in task.depends} == tasks.keys() - {"discover", "fetch"}


def test_every_parameter_of_the_workflow_has_a_default_and_a_description() -> None:
    """It starts without any, and explains itself."""
    for argument in build_pipeline().to_dict()["spec"]["arguments"]["parameters"]:
        assert "value" in argument
        assert argument["description"].endswith(".")


@pytest.mark.parametrize("template", containers(), ids=lambda template: template["name"])
def test_every_container_has_a_deadline_and_retries(template: dict[str, Any]) -> None:
    """It is not retried after the exit code of a permanent error."""
    assert template["activeDeadlineSeconds"] > 0
    assert (template["retryStrategy"]["retryPolicy"], template["retryStrategy"]["limit"]) == ("Always", 2)
    for code in PERMANENT_EXIT_CODES:
        assert str(code) in template["retryStrategy"]["expression"]


@pytest.mark.skipif(not shutil.which("argo"), reason="argo is not on the PATH")
def test_argo_lint_accepts_the_files_and_rejects_a_wrong_one(tmp_path: Path) -> None:
    """It checks references and task names, which the schemas can't."""
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(render.TEMPLATE.read_text("utf-8").replace("depends: discover", "depends: nobody"), "utf-8")
    assert lint(*render.render_files()).returncode == 0
    assert "nobody" in lint(wrong).stdout


def lint(*paths: Path) -> subprocess.CompletedProcess[str]:
    """Run `argo lint`, which needs no cluster."""
    command = ["argo", "lint", "--offline", "--no-color", *map(str, paths)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@kubectl.needed
@pytest.mark.parametrize(("step", "times"), [("fetch", 3), ("preprocess", 3), ("train", 2), ("register", 3)])
def test_kustomize_replaces_image_names_with_digests(tmp_path: Path, step: str, times: int) -> None:
    """A release changes nothing else in these files; Spark's executors and the record get them too."""
    shutil.copytree(render.FOLDER, tmp_path / "base")
    digest = "sha256:" + "0" * 64
    image = {"name": f"pr-sentinel/{step}", "newName": f"registry.example/{step}", "digest": digest}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump({"resources": ["base"], "images": [image]}))
    built = subprocess.run(["kubectl", "kustomize", str(tmp_path)], capture_output=True, text=True, check=True).stdout
    assert built.count(f": registry.example/{step}@{digest}\n") == times
    assert f": pr-sentinel/{step}\n" not in built
    assert f": secret/pr-sentinel/{step}\n" in built
