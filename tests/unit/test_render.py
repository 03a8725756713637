"""The committed YAML is what the code draws, fits the contracts of the steps, and keeps the promises made of it."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from hera.workflows.io import Input

from local.engine import reader
from steps.common.errors import PERMANENT_EXIT_CODES
from steps.fetch.step import DiscoverInput, FetchInput
from steps.preprocess.step import PreprocessInput
from steps.register.step import ConcludeInput, RegisterInput
from steps.train.step import TrainInput
from tests.support import kubectl
from workflows import render
from workflows.pipeline import pipeline

CONTRACTS: dict[str, type[Input]] = {
    "discover": DiscoverInput,
    "fetch": FetchInput,
    "preprocess": PreprocessInput,
    "train": TrainInput,
    "register": RegisterInput,
}


def containers() -> list[dict[str, Any]]:
    """The templates that run a container, as they are committed."""
    document = yaml.safe_load(render.TEMPLATE.read_text("utf-8"))
    return [template for template in document["spec"]["templates"] if "script" in template]


@pytest.mark.parametrize("path", sorted(render.rendered()), ids=lambda path: path.name)
def test_the_committed_file_is_what_is_rendered_now(path: Path) -> None:
    """A difference means that `make render` was forgotten, or that somebody edited what is generated."""
    assert path.read_text("utf-8") == render.rendered()[path]


def test_rendering_twice_gives_the_same() -> None:
    """The order of everything is stable."""
    assert render.rendered() == render.rendered()


def test_every_task_gives_its_step_exactly_what_the_contract_asks_for() -> None:
    """Nothing missing and nothing that the step would ignore."""
    tasks = reader.read(render.TEMPLATE).spec.tasks
    given = {name: {argument.name for argument in task.arguments.parameters} for name, task in tasks.items()}
    assert given == {name: set(contract.model_fields) for name, contract in CONTRACTS.items()}


def test_the_exit_handler_gets_exactly_what_its_contract_asks_for() -> None:
    """Under the names that Argo fills in."""
    hooks = reader.read(render.TEMPLATE).spec.hooks
    assert hooks is not None
    assert {argument.name for argument in hooks.exit.arguments.parameters} == set(ConcludeInput.model_fields)


def test_everything_after_the_fan_out_waits_for_it_itself() -> None:
    """After `argo retry` Argo takes a fan-out's group on again only from a task that does, and never ends otherwise."""
    tasks = reader.read(render.TEMPLATE).spec.tasks
    assert {name for name, task in tasks.items() if "fetch" in task.depends} == tasks.keys() - {"discover", "fetch"}


def test_every_argument_of_the_workflow_has_a_default_and_a_description() -> None:
    """So that it starts with nothing given and explains itself."""
    for argument in pipeline().to_dict()["spec"]["arguments"]["parameters"]:
        assert "value" in argument
        assert argument["description"].endswith(".")


@pytest.mark.parametrize("template", containers(), ids=lambda template: template["name"])
def test_every_container_has_a_deadline_and_is_tried_again(template: dict[str, Any]) -> None:
    """But not after an exit code that says that another try can't succeed."""
    assert template["activeDeadlineSeconds"] > 0
    assert (template["retryStrategy"]["retryPolicy"], template["retryStrategy"]["limit"]) == ("Always", 2)
    for code in PERMANENT_EXIT_CODES:
        assert str(code) in template["retryStrategy"]["expression"]


@pytest.mark.skipif(not shutil.which("argo"), reason="argo is not on the PATH")
def test_argos_linter_finds_nothing_and_would_find_something(tmp_path: Path) -> None:
    """It knows what the schemas can't: which references and tasks there are."""
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(render.TEMPLATE.read_text("utf-8").replace("depends: discover", "depends: nobody"), "utf-8")
    assert linted(*render.rendered()).returncode == 0
    assert "nobody" in linted(wrong).stdout


def linted(*paths: Path) -> subprocess.CompletedProcess[str]:
    """What `argo lint` says, without a cluster."""
    command = ["argo", "lint", "--offline", "--no-color", *map(str, paths)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@kubectl.needed
@pytest.mark.parametrize(("step", "times"), [("fetch", 2), ("preprocess", 2), ("train", 1), ("register", 2)])
def test_kustomize_puts_digests_in_the_place_of_image_names(tmp_path: Path, step: str, times: int) -> None:
    """The one thing that a release changes in these files; Spark's executors get their driver's image."""
    shutil.copytree(render.FOLDER, tmp_path / "base")
    digest = "sha256:" + "0" * 64
    image = {"name": f"pr-sentinel/{step}", "newName": f"registry.example/{step}", "digest": digest}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump({"resources": ["base"], "images": [image]}))
    built = subprocess.run(["kubectl", "kustomize", str(tmp_path)], capture_output=True, text=True, check=True).stdout
    assert built.count(f": registry.example/{step}@{digest}\n") == times
    assert f": pr-sentinel/{step}\n" not in built
    assert f": secret/pr-sentinel/{step}\n" in built
