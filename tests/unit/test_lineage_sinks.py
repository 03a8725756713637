"""The sink of lineage events: whatever is wrong with it costs a step one line in the log, and no step fails."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import yaml

from steps.common import lineage, openlineage
from steps.common.lineage import LineageDataset
from steps.common.step_frame import run_step
from tests.support import manifests
from tests.support.lineage_sink import LineageSink, receiving, receiving_own, without_sink
from tests.support.network import Place, allowed
from tests.support.schemas import faults

COMPONENT = manifests.ROOT / "gitops" / "components" / "lineage"
MARQUEZ = Place("marquez", {"app.kubernetes.io/name": "marquez"})
STEPS = ("fetch", "preprocess", "train", "register", "monitor")
MARK = "Xyzzy4711"
RUN_AND_LIST = """
import sys
from steps.common.step_frame import run_step
with run_step("fetch"):
    pass
print([name for name in sys.modules if name.split(".")[0] in ("openlineage", "httpx2")])
"""


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """No sink but the test's own."""
    with without_sink():
        yield


@pytest.fixture
def sink() -> Iterator[LineageSink]:
    """A sink that takes everything."""
    with receiving_own() as found:
        yield found


def warnings(captured: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The log's lines that are no information."""
    lines = [json.loads(line) for line in captured.readouterr().err.splitlines()]
    return [line for line in lines if line["level"] != "info"]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"OPENLINEAGE_URL": " "},
        {"OPENLINEAGE_NAMESPACE": "staging", "OPENLINEAGE_API_KEY": "a-key"},
        {"OPENLINEAGE_URL": "http://127.0.0.1:1", "OPENLINEAGE_DISABLED": "True"},
        {"OPENLINEAGE__TRANSPORT__TYPE": "console", "OPENLINEAGE_DISABLED": "true"},
    ],
)
def test_without_a_sink_nothing_is_imported_or_said(settings: dict[str, str]) -> None:
    """Not even the library; whatever else is set."""
    done = subprocess.run(
        [sys.executable, "-c", RUN_AND_LIST],
        cwd=manifests.ROOT,
        env=os.environ | settings,
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "[]\n"
    assert [json.loads(line)["message"] for line in done.stderr.splitlines()] == ["started", "finished"]


@pytest.mark.parametrize(
    ("status", "told"),
    [(401, {"reason": "HTTPError", "status": 401}), (404, {"reason": "HTTPError", "status": 404})],
)
def test_a_sink_that_refuses_costs_a_step_one_line(
    status: int, told: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Not one for each event."""
    with receiving(status) as refusing:
        monkeypatch.setenv("OPENLINEAGE_URL", refusing.address)
        with run_step("fetch"):
            pass
    (line,) = warnings(capfd)
    assert line.items() >= {"level": "warning", **told}.items()


@pytest.mark.parametrize("status", [500, 503])
def test_a_sink_that_fails_costs_a_step_one_line(
    status: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The client tries again, in the background and in silence."""
    monkeypatch.setattr(openlineage, "STOP_SECONDS", 0.1)
    with receiving(status) as failing:
        monkeypatch.setenv("OPENLINEAGE_URL", failing.address)
        with run_step("fetch"):
            pass
        (line,) = warnings(capfd)
    assert line["message"].startswith("lineage events are lost")


def test_a_sink_that_does_not_answer_costs_a_step_one_line(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The step has ended before it answers."""
    monkeypatch.setattr(openlineage, "STOP_SECONDS", 0.1)
    answer = Event()
    with receiving(until=answer) as slow:
        monkeypatch.setenv("OPENLINEAGE_URL", slow.address)
        with run_step("fetch"):
            pass
        assert slow.raw == []
        (line,) = warnings(capfd)
    assert line["reason"] == "no answer in time"


@pytest.mark.parametrize(
    "settings",
    [
        {"OPENLINEAGE_URL": f"http://user:{MARK}@127.0.0.1:1"},
        {"OPENLINEAGE_URL": f"{MARK} is not a URL"},
        {"OPENLINEAGE__TRANSPORT__TYPE": MARK},
        {"OPENLINEAGE__TRANSPORT__TYPE": "http", "OPENLINEAGE__TRANSPORT__AUTH": f"{{{MARK}"},
        {"OPENLINEAGE__TRANSPORT__TYPE": "http", "OPENLINEAGE__TRANSPORT__URL": f"http://{MARK}@[::1"},
        {"OPENLINEAGE__TRANSPORT__TYPE": "file", "OPENLINEAGE__TRANSPORT__LOG_FILE_PATH": f"/nowhere/{MARK}"},
    ],
)
def test_a_sink_that_can_not_be_used_costs_a_step_one_line_without_a_setting_s_value(
    settings: dict[str, str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Which may be a secret."""
    monkeypatch.setattr(openlineage, "STOP_SECONDS", 0.1)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with run_step("fetch"):
        pass
    (line,) = warnings(capfd)
    assert line["message"].startswith("lineage events are lost")
    assert MARK not in json.dumps(line)


def test_a_place_that_is_no_url_costs_only_the_event(sink: LineageSink, capfd: pytest.CaptureFixture[str]) -> None:
    """Not the step."""
    with run_step("fetch"):
        lineage.describe(reads=[LineageDataset("file", "/folder", uri=f"http://[{MARK}")])
    assert [event["eventType"] for event in sink.events] == ["START"]
    (line,) = warnings(capfd)
    assert MARK not in json.dumps(line)


def test_the_api_key_is_sent_as_a_header_only(sink: LineageSink, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the client's own variables say."""
    monkeypatch.setenv("OPENLINEAGE_API_KEY", MARK)
    with run_step("fetch"):
        pass
    assert sink.authorizations == [f"Bearer {MARK}"] * 2
    assert MARK.encode() not in b"".join(sink.raw)


def test_a_configuration_file_names_the_sink_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here a file, with an event on each line."""
    events, settings = tmp_path / "events.jsonl", tmp_path / "openlineage.yml"
    settings.write_text(
        yaml.safe_dump({"transport": {"type": "file", "log_file_path": str(events), "append": True}}), "utf-8"
    )
    monkeypatch.setenv("OPENLINEAGE_CONFIG", str(settings))
    with run_step("fetch"):
        pass
    assert [json.loads(line)["eventType"] for line in events.read_text("utf-8").splitlines()] == ["START", "COMPLETE"]


def test_the_console_is_the_step_s_log(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """An event is the message of a line."""
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TYPE", "console")
    with run_step("fetch"):
        pass
    messages = [json.loads(line)["message"] for line in capfd.readouterr().err.splitlines()]
    found = [json.loads(message)["eventType"] for message in messages if message.startswith("{")]
    assert found == ["START", "COMPLETE"]


@pytest.mark.parametrize("step", STEPS)
def test_the_component_lets_every_step_reach_marquez(step: str) -> None:
    """The cluster without it lets none, and nothing else is opened by it."""
    (name,) = yaml.safe_load((COMPONENT / "kustomization.yaml").read_text("utf-8"))["resources"]
    policy: dict[str, Any] = yaml.safe_load((COMPONENT / name).read_text("utf-8"))
    assert faults(policy) == []
    base, source = manifests.of_kind("NetworkPolicy"), Place("pr-sentinel", {"app.kubernetes.io/component": step})
    ports = [port for port in (80, 5000, 5001) if allowed([*base, policy], source, MARQUEZ, port)]
    assert (ports, allowed(base, source, MARQUEZ, 5000)) == ([5000], False)
    service = Place("pr-sentinel", {"app.kubernetes.io/component": "serve"})
    assert not allowed([*base, policy], service, MARQUEZ, 5000)
