"""The usage text of an image matches the step's contract and settings."""

import pytest

from steps.common import settings
from steps.common.usage import format_usage


@pytest.mark.parametrize(
    ("step", "functions"),
    [
        ("fetch", ["discover", "fetch"]),
        ("preprocess", ["preprocess"]),
        ("train", ["train"]),
        ("register", ["register", "conclude"]),
        ("monitor", ["monitor"]),
    ],
)
def test_usage_lists_every_function_and_setting(step: str, functions: list[str]) -> None:
    """It shows which settings are required."""
    lines = format_usage(step).splitlines()
    run = [line.split()[-2] for line in lines if line.startswith("python -m hera.workflows.runner")]
    assert run == [f"steps.{step}.step:{name}" for name in functions]
    for name, field in getattr(settings, f"{step.capitalize()}Settings").model_fields.items():
        (line,) = (line for line in lines if line.startswith(f"  {name.upper()}: "))
        assert ("required" in line) == field.is_required()


def test_usage_lists_inputs_with_their_defaults_and_outputs() -> None:
    """They are those of the contract."""
    assert '  input spark_master: string (default: "local[*]")' in format_usage("preprocess")
    assert "  input repositories: array" in format_usage("preprocess").splitlines()
    assert "  outputs: run_id, model_uri, average_precision, each in " in format_usage("train")


def test_usage_shows_no_value_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """It lists the settings, not their values."""
    monkeypatch.setenv("GITHUB_TOKEN", "hunter2")
    assert "GITHUB_TOKEN: required, secret" in format_usage("fetch")
    assert "hunter2" not in format_usage("fetch")
