"""The champion's Bento of a state folder: whatever is missing or damaged is named."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from mlflow import MlflowClient

from local.champion import fetch_champion
from steps.common.errors import DamagedArtefact, NotFound, Unavailable
from steps.common.tracking import REGISTERED_MODEL
from steps.packaging import archive
from tests.integration.release.command import release
from tests.support.command_line import SETTINGS


@pytest.fixture(autouse=True)
def clear_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove settings from the environment that would replace those of the state folder."""
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def registry(state: Path) -> MlflowClient:
    """The registry of the state folder."""
    return MlflowClient(f"sqlite:///{state}/mlflow.db")


@pytest.fixture
def stored(state: Path, registry: MlflowClient) -> Path:
    """The champion's Bento in the state's store."""
    version = registry.get_model_version_by_alias(REGISTERED_MODEL, "champion")
    return state / "store" / str(version.tags[archive.KEY_TAG])


def test_the_champions_bento_is_unpacked_once(state: Path, stored: Path) -> None:
    """After that, the store is not read."""
    first = fetch_champion(state)
    assert first.folder == state / "bentos" / stored.stem
    assert (first.folder / "src" / "model" / "model.onnx").is_file()
    assert (first.version, first.tag.rpartition("-")[0]) == ("1", "pr-sentinel:1")
    shutil.rmtree(state / "store")
    assert fetch_champion(state) == first


def test_a_missing_champion_is_reported_with_advice(state: Path, registry: MlflowClient) -> None:
    """Even if models were registered."""
    registry.delete_registered_model_alias(REGISTERED_MODEL, "champion")
    with pytest.raises(NotFound, match=r"There is no champion model yet\. Run make run"):
        fetch_champion(state)


def test_a_champion_without_a_bento_is_named(state: Path, registry: MlflowClient) -> None:
    """With the command that builds one."""
    registry.delete_model_version_tag(REGISTERED_MODEL, "1", archive.KEY_TAG)
    with pytest.raises(NotFound, match=r"Version 1, the champion, has no Bento\. Run the pipeline again"):
        fetch_champion(state)


def test_one_changed_byte_is_refused(state: Path, stored: Path) -> None:
    """And nothing of it is unpacked."""
    content = bytearray(stored.read_bytes())
    content[len(content) // 2] ^= 1
    stored.write_bytes(content)
    with pytest.raises(DamagedArtefact, match="differs from its name"):
        fetch_champion(state)
    assert list((state / "bentos").iterdir()) == []


def test_a_bento_missing_from_the_store_is_named(state: Path, stored: Path) -> None:
    """With the command that rebuilds it."""
    stored.unlink()
    with pytest.raises(NotFound, match=rf"has no Bento bentos/1/{stored.name}\. Run the pipeline again"):
        fetch_champion(state)


def test_an_unreachable_store_is_named(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its address."""
    away = {
        "STORE_URL": "s3://bucket/x",
        "S3_ENDPOINT_URL": "http://127.0.0.1:9",
        "S3_ACCESS_KEY_ID": "x",
        "S3_SECRET_ACCESS_KEY": "x",
    }
    for name, value in away.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Unavailable, match="The store s3://bucket/x does not answer"):
        fetch_champion(state)


def test_a_release_is_given_the_champions_folder_version_and_digest(state: Path, tmp_path: Path) -> None:
    """Which is that of the manifest in the folder; the champion of no registry is an error."""
    tracking, store = f"sqlite:///{state}/mlflow.db", (state / "store").as_uri()
    done = release(tmp_path, "champion", "--state", "kept", MLFLOW_URI=tracking, STORE_URL=store)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    folder = tmp_path / Path(found.pop("folder"))
    manifest = (folder / "src" / "model" / "manifest.json").read_bytes()
    assert folder.parent == tmp_path / "kept" / "bentos"
    assert found == {"version": "1", "digest": hashlib.sha256(manifest).hexdigest()}
    empty = release(tmp_path, "champion", MLFLOW_URI=f"sqlite:///{tmp_path}/mlflow.db", STORE_URL=store)
    assert (empty.returncode, empty.stdout) == (66, "")
    assert "There is no champion model yet." in empty.stderr
