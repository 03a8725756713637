"""Each root is valid and passes its tests in both environments, and a defect that only types or tests show is named."""

import shutil
from pathlib import Path

import pytest

from infra.checks import modules, run
from tests.support.defects import copy_infra, keep_root, needs_program, plant

DEFECTS = {
    "a list instead of text": (
        "modules/digitalocean/bucket/main.tf",
        "name          = var.name",
        "name          = [var.name]",
        "string required",
    ),
    "a block instead of an argument": (
        "modules/aws/cluster/network.tf",
        "tags                 = { Name = var.name }",
        "tags {\n  }",
        'Blocks of type "tags" are not expected here',
    ),
    "a variable that isn't there": (
        "digitalocean/main.tf",
        "administrators     = var.administrators",
        "administrators     = var.administrator",
        "Reference to undeclared input variable",
    ),
    "a module without what it needs": (
        "gcp/main.tf",
        "  bucket = module.bucket.name\n",
        "",
        '"bucket" is required',
    ),
    "a pool for Spark that always has a node": (
        "modules/digitalocean/cluster/main.tf",
        "min_nodes  = 0",
        "min_nodes  = 1",
        "Spark's pool does not scale to zero",
    ),
    "a setting that the overlay doesn't get": (
        "digitalocean/outputs.tf",
        "    PULL_SECRET     = module.registry.name\n",
        "",
        "The overlay would not get the environment's values",
    ),
    "subnets that overlap": (
        "modules/aws/cluster/network.tf",
        "cidrsubnet(var.network, 4, each.value + 8)",
        "cidrsubnet(var.network, 4, each.value)",
        "Two subnets share addresses",
    ),
    "an environment without a value": (
        "gcp/environments/production.tfvars",
        "suffix",
        "suffixes",
        "suffix",
    ),
    "rights in every folder": (
        "modules/gcp/identity/main.tf",
        "objects/${each.value.folder}/",
        "objects/",
        "A right is not bound to its folder",
    ),
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return copy_infra(tmp_path)


@pytest.mark.slow
@needs_program
def test_every_root_is_valid_and_passes_its_tests() -> None:
    """With fake providers, in both environments."""
    assert list(modules.check(run.INFRA)) == []


@pytest.mark.slow
@needs_program
@pytest.mark.parametrize(("path", "old", "new", "words"), DEFECTS.values(), ids=DEFECTS)
def test_what_names_do_not_show_is_shown_by_types_and_tests(
    copy: Path, path: str, old: str, new: str, words: str
) -> None:
    """A value of another type, a missing one, and whatever a root's tests promise."""
    keep_root(copy, plant(copy, path, old, new))
    problems = list(modules.check(copy))
    assert any(words in problem for problem in problems), problems


@needs_program
def test_a_root_without_tests_does_not_pass(copy: Path) -> None:
    keep_root(copy, "gcp")
    shutil.rmtree(copy / "gcp" / "tests")
    assert list(modules.check(copy)) == [
        "gcp: test of production: nothing was tested",
        "gcp: test of staging: nothing was tested",
    ]


@pytest.mark.skipif(not shutil.which("tflint"), reason="tflint is not on the PATH")
def test_a_variable_that_nothing_uses_is_named(copy: Path) -> None:
    linter = str(shutil.which("tflint"))
    assert run.check_lint(copy, linter) == []
    plant(
        copy,
        "modules/guard/main.tf",
        'variable "guards"',
        'variable "unused" {\n  type = string\n}\n\nvariable "guards"',
    )
    assert [line for line in run.check_lint(copy, linter) if "terraform_unused_declarations" in line]
