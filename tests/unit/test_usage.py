"""What an image says of its step is what the step's contract and settings say."""

import pytest

from steps.common import settings
from steps.common.usage import usage


@pytest.mark.parametrize(
    ("step", "functions"),
    [
        ("fetch", ["discover", "fetch"]),
        ("preprocess", ["preprocess"]),
        ("train", ["train"]),
        ("register", ["register", "conclude"]),
    ],
)
def test_every_function_and_every_setting_is_told(step: str, functions: list[str]) -> None:
    """And what can be left out is told apart from what can't."""
    lines = usage(step).splitlines()
    run = [line.split()[-2] for line in lines if line.startswith("python -m hera.workflows.runner")]
    assert run == [f"steps.{step}.step:{name}" for name in functions]
    for name, field in getattr(settings, f"{step.capitalize()}Settings").model_fields.items():
        (line,) = (line for line in lines if line.startswith(f"  {name.upper()}: "))
        assert ("needed" in line) == field.is_required()


def test_inputs_are_told_with_what_they_are_unless_given() -> None:
    """As the contract has it."""
    assert '  takes spark_master: string, as a rule "local[*]"' in usage("preprocess")
    assert "  takes repositories: array" in usage("preprocess").splitlines()
    assert "  gives run_id, model_uri, average_precision, each as " in usage("train")


def test_no_value_of_this_environment_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says which settings there are, not what they are here."""
    monkeypatch.setenv("GITHUB_TOKEN", "hunter2")
    assert "GITHUB_TOKEN: needed, secret" in usage("fetch")
    assert "hunter2" not in usage("fetch")
