"""The record of how a workflow ended is written whatever the engine says of the failures."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.common.errors import ConfigurationError
from steps.register import conclusion
from steps.register.step import IMAGE_VARIABLES, ConcludeInput, conclude

FAILURES = [
    {"displayName": "fetch(0:a/b)", "message": "Error (exit code 75)", "templateName": "fetch", "phase": "Failed"},
    {"displayName": "train", "message": None, "podName": "x"},
]
IMAGES = {"fetch": "registry.example/fetch@sha256:00"}
TOLD = [{"task": "fetch(0:a/b)", "message": "Error (exit code 75)"}, {"task": "train", "message": ""}]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that the settings name."""
    monkeypatch.setenv("STORE_URL", f"file://{tmp_path}")
    return tmp_path


def quote(value: object, times: int) -> str:
    """JSON, and that as a JSON string, as often as asked."""
    for _ in range(times):
        value = json.dumps(value)
    return str(value)


@pytest.mark.parametrize(
    ("failures", "told"),
    [
        ("", []),
        (" ", []),
        ("null", []),
        ('"null"', []),
        ("[]", []),
        (quote(FAILURES, 1), TOLD),
        (quote(FAILURES, 2), TOLD),
        (quote(FAILURES, 3), TOLD),
        ("{{workflow.failures}}", [{"task": "", "message": "{{workflow.failures}}"}]),
        ('[{"displayName": "tr', [{"task": "", "message": '[{"displayName": "tr'}]),
        ("[1, 2]", [{"task": "", "message": "[1, 2]"}]),
        ("7", [{"task": "", "message": "7"}]),
    ],
)
def test_failures_are_read_or_kept_as_text(store: Path, failures: str, told: list[dict[str, str]]) -> None:
    """As JSON, as JSON in a JSON string, or as what it is."""
    conclusion.record("pr-sentinel-abc12", "Failed", failures, IMAGES)
    written = json.loads((store / "runs" / "pr-sentinel-abc12.json").read_text())
    assert written == {"workflow": "pr-sentinel-abc12", "status": "Failed", "failures": told, "images": IMAGES}


@pytest.mark.parametrize(
    ("messages", "refused"),
    [
        ([], 0),
        (["Error (exit code 75)"], 0),
        (["Error (exit code 77)"], 1),
        (["main: Error (exit code 77)", "Error (exit code 770)"], 1),
    ],
)
def test_refused_tasks_are_counted(store: Path, messages: list[str], refused: int) -> None:
    """By their exit code; a task and its attempts are one."""
    failures = [
        {"displayName": f"{task}{attempt}", "message": message}
        for task, message in zip(("fetch(0:a/b)", "train"), messages, strict=False)
        for attempt in ("", "(0)")
    ]
    assert conclusion.record("w", "Failed", json.dumps(failures), {}) == refused


def test_the_images_that_a_cluster_names_are_recorded(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With their digests; the names alone, which a run on one machine has, are none."""
    for step, variable in IMAGE_VARIABLES.items():
        digest = "" if step == "train" else "@sha256:00"
        monkeypatch.setenv(variable, f"registry.example/{step}{digest}")
    function: Any = conclude
    function.wrapped_function(ConcludeInput(workflow="w", status="Succeeded"))
    images = json.loads((store / "runs" / "w.json").read_text())["images"]
    assert images == {step: f"registry.example/{step}@sha256:00" for step in ("fetch", "preprocess", "register")}


def test_recording_twice_leaves_the_same_bytes(store: Path) -> None:
    """A handler that runs again changes nothing."""
    record = store / "runs" / "w.json"
    conclusion.record("w", "Succeeded", "null", IMAGES)
    before = record.read_bytes()
    conclusion.record("w", "Succeeded", "null", IMAGES)
    assert record.read_bytes() == before
    assert [path.name for path in (store / "runs").iterdir()] == ["w.json"]


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "a/b", "/etc/x", ".hidden", "a b", "x\n"])
def test_an_invalid_workflow_name_writes_nothing(store: Path, name: str) -> None:
    """It can't lead out of its folder."""
    with pytest.raises(ConfigurationError, match="is not a valid workflow name"):
        conclusion.record(name, "Failed", "null", {})
    assert not any(store.iterdir())


@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_any_failures_text_is_recorded(text: str) -> None:
    """A handler that fails would hide what it is to tell."""
    told = conclusion._parse_failures(text)
    assert all(set(entry) == {"task", "message"} for entry in told)
