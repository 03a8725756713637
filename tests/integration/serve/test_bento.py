"""A Bento is self-contained: BentoML imports it, and its worker serves it and stops without dropping a request."""

import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
import requests
import yaml
from mlflow.entities.model_registry import ModelVersion, ModelVersionTag

from steps.common.errors import DataError
from steps.common.settings import SignatureSettings
from steps.common.store import FolderStore
from steps.packaging import archive
from steps.register import package
from steps.scoring import signature
from steps.scoring.artefact import FILES, MANIFEST
from steps.serve.http.examples import PULL_REQUEST
from tests.support import bentos, builders, signing_keys, workers
from tests.support.command_line import ROOT, clean_environment

NAME = "pr-sentinel"


def bentoml(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run BentoML's command with a home of its own."""
    environment = os.environ | {"BENTOML_HOME": str(home), "BENTOML_DO_NOT_TRACK": "True"}
    command = [sys.executable, "-m", "bentoml", *arguments]
    return subprocess.run(command, cwd=home.parent, env=environment, capture_output=True, text=True, check=True)


def test_a_bento_holds_the_service_its_packages_and_the_model_and_nothing_else(
    bento: bentos.Bento, tmp_path: Path
) -> None:
    """No tests, no bytecode, no step but the service; where nobody has run it yet."""
    source = bentos.unpack(bento.packed, tmp_path) / "src"
    found = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}
    ours = {path.relative_to(ROOT).as_posix() for path in package.list_files()}
    model = {f"model/{name}" for name in (*FILES, MANIFEST, package.REGISTRATION_FILE)}
    assert found == ours | model | {"bentofile.yaml"}
    for name in (*FILES, MANIFEST):
        assert (source / "model" / name).read_bytes() == (bento.model / name).read_bytes()


def test_a_bento_describes_itself(bento: bentos.Bento) -> None:
    """Its name, its version with the hash of its content, and how far the model's data extend."""
    told = yaml.safe_load((bento.folder / "bento.yaml").read_text())
    assert f"{told['name']}:{told['version']}" == bento.tag
    assert told["creation_time"] == builders.CARD["data"]["last"]
    assert told["service"] == "steps.serve.service:ModelServing"
    assert not told["python"]["lock_packages"]


def test_building_a_bento_again_gives_the_same_bytes(bento: bentos.Bento, tmp_path: Path) -> None:
    """So a retry after a kill ends at the same key in the store; and so does another registry, another day."""
    elsewhere = ModelVersion(
        "pr-sentinel",
        bentos.REGISTRATION.version,
        creation_timestamp=int(time.time() * 1_000),
        run_id=uuid.uuid4().hex,
        tags=[ModelVersionTag("reason", bentos.REGISTRATION.reason)],  # type: ignore[no-untyped-call]
    )
    registration = package.RegisteredVersion.from_version(elsewhere)
    tag = package.compute_tag(registration, "")
    again = package.build(bento.model, registration, tag, tmp_path)
    assert (tag, again.read_bytes()) == (bento.tag, bento.packed.read_bytes())


def test_a_signed_bento_has_the_same_bytes_each_time_and_the_service_in_it_accepts_it(
    bento: bentos.Bento, tmp_path: Path
) -> None:
    """The signature is all that it holds beyond an unsigned one, and it covers all of the model's folder."""
    keys = signing_keys.build(1)
    built = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        built.append(package.build(bento.model, bentos.REGISTRATION, bento.tag, tmp_path / name, keys.private))
    assert built[0].read_bytes() == built[1].read_bytes()
    store, key = FolderStore(tmp_path / "store"), archive.build_key(bentos.REGISTRATION.version, built[0])
    store.upload(key, built[0])
    model = archive.unpack(store, key, tmp_path / "unpacked") / "src" / "model"
    unsigned = {path.name for path in (bento.folder / "src" / "model").iterdir()}
    assert {path.name for path in model.iterdir()} == unsigned | {signature.SIGNATURE}
    signed = signature.check(model, SignatureSettings(model_public_key=keys.public, model_signature="required"))
    assert signed is not None
    assert set(signed.files) == unsigned


def test_the_tag_changes_with_the_content(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model, its record in the registry, who signs it, and the code."""
    given, files = bentos.REGISTRATION, package.list_files()
    tags = {
        package.compute_tag(given, ""),
        package.compute_tag(given, "0"),
        package.compute_tag(given, "", "0" * 64),
        package.compute_tag(given._replace(reason="Better: so."), ""),
    }
    monkeypatch.setattr(package, "list_files", lambda: files[1:])
    tags.add(package.compute_tag(given, ""))
    assert len(tags) == 5


def test_a_model_that_the_service_refuses_is_not_packed(bento: bentos.Bento, tmp_path: Path) -> None:
    """One changed byte is enough."""
    model = tmp_path / "model"
    model.mkdir()
    for path in bento.model.iterdir():
        (model / path.name).write_bytes(path.read_bytes().replace(b"golden/example", b"golden/changed"))
    with pytest.raises(DataError, match=r"golden\.json"):
        package.build(model, bentos.REGISTRATION, bento.tag, tmp_path)


def test_code_that_fails_to_import_is_not_packed(
    bento: bentos.Bento, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the error message."""
    files = [path for path in package.list_files() if path.name != "middleware.py"]
    monkeypatch.setattr(package, "list_files", lambda: files)
    with pytest.raises(DataError, match=r"No module named 'steps\.serve\.http\.middleware'"):
        package.build(bento.model, bentos.REGISTRATION, bento.tag, tmp_path)


def test_bentoml_imports_the_archive(bento: bentos.Bento, tmp_path: Path) -> None:
    """`bentoml import` reads the archive, and restores what was packed."""
    home = tmp_path / "home"
    home.mkdir()
    bentoml(home, "import", str(bento.packed))
    imported = home / "bentos" / NAME / bento.tag.partition(":")[2]
    assert (imported / "bento.yaml").read_bytes() == (bento.folder / "bento.yaml").read_bytes()
    recipe = (imported / "env" / "docker" / "Dockerfile").read_text()
    assert recipe.strip() == (ROOT / package.SERVE / "bento.Dockerfile").read_text().strip()


def test_the_worker_serves_the_model_in_the_bento(bento: bentos.Bento, tmp_path: Path) -> None:
    """By name and version, in the response and in the headers."""
    with workers.running(bento.folder, tmp_path / "home") as worker:
        answer = workers.score(worker.wait().address, PULL_REQUEST)
        assert answer.status_code == 200
        assert (answer.json()["model"]["name"], answer.json()["model"]["version"]) == (NAME, "7")
        assert answer.headers["X-Model"] == f"{NAME}:7"
        assert len(answer.json()["results"]) == 1
        assert requests.get(f"{worker.address}/metrics", timeout=10).ok


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_worker_answers_requests_in_flight_before_it_stops(
    bento: bentos.Bento, tmp_path: Path, number: signal.Signals
) -> None:
    """A request that is still arriving is read, scored and answered; then the process exits with 0 at once."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    with workers.running(bento.folder, tmp_path / "home", TMPDIR=str(temporary)) as worker:
        request = workers.Request(worker.wait().port, PULL_REQUEST)
        time.sleep(0.5)
        worker.process.send_signal(number)
        time.sleep(0.5)
        assert worker.process.poll() is None
        status, content = request.end()
        assert (status, len(content["results"])) == (200, 1)
        assert worker.process.wait(timeout=20) == 0
    assert list(temporary.iterdir()) == []


def test_a_signal_during_start_up_ends_the_worker(bento: bentos.Bento, tmp_path: Path) -> None:
    """It does not wait until it is ready."""
    with workers.running(bento.folder, tmp_path / "home") as worker:
        time.sleep(0.5)
        worker.process.terminate()
        assert worker.process.wait(timeout=20) in {0, -signal.SIGTERM}


def test_a_port_in_use_is_named(bento: bentos.Bento) -> None:
    """In one line."""
    with socket.create_server((workers.LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "steps.serve.bento_worker", "--port", str(port)]
        done = subprocess.run(command, cwd=bento.folder / "src", capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [f"Cannot listen on 127.0.0.1:{port}: Address already in use."]


def test_bentoml_serves_the_bento(bento: bentos.Bento, tmp_path: Path) -> None:
    """With its supervisor."""
    port = workers.free_port()
    command = [sys.executable, "-m", "bentoml", "serve", str(bento.folder), "--port", str(port)]
    environment = clean_environment()
    environment |= {"BENTOML_HOME": str(tmp_path / "home"), "BENTOML_DO_NOT_TRACK": "True"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            address = f"http://{workers.LOOPBACK}:{port}"
            workers.wait_ready(address, lambda: process.poll() is not None)
            assert workers.score(address, PULL_REQUEST).headers["X-Model"] == f"{NAME}:7"
        finally:
            process.terminate()
    assert process.returncode == 0
