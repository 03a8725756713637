"""State folders with names as people give them, moved, copied, or not writable."""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow.artifacts import download_artifacts
from pymongo import MongoClient

from local.services import embedded
from steps.common import tracking
from steps.common.command_line import make_state_folder
from steps.common.errors import ConfigurationError
from steps.common.settings import StoreSettings, TrackingSettings
from steps.common.store import open_store

NAMES = ["my project", "C# & 100 % größe", "what?", "100%25", "a;b", "it's", "[x]", "名前"]


def record(state: Path) -> str:
    """Record a run with a file and a tag, as a pipeline does, and return its id."""
    with tracking.connect(settings(state)) as client:
        run = client.create_run(tracking.ensure_experiment(client, settings(state)))
        client.log_text(run.info.run_id, "content", "a.txt")
        client.set_tag(run.info.run_id, "dataset_uri", f"{open_store(store(state)).url}/datasets/x")
    return str(run.info.run_id)


def settings(state: Path) -> TrackingSettings:
    """The settings of MLflow in a state folder."""
    places = embedded.find_locations(state)
    return TrackingSettings(mlflow_uri=places["MLFLOW_URI"], mlflow_artifacts=places["MLFLOW_ARTIFACTS"])


def store(state: Path) -> StoreSettings:
    """The settings of the store in a state folder."""
    return StoreSettings(store_url=embedded.find_locations(state)["STORE_URL"])


def check(state: Path, run_id: str) -> None:
    """Check that the run, its file and its dataset are found in this folder."""
    with tracking.connect(settings(state)) as client:
        assert client.get_run(run_id).data.tags["dataset_uri"] == f"{open_store(store(state)).url}/datasets/x"
        assert Path(download_artifacts(run_id=run_id, artifact_path="a.txt")).read_text() == "content"
        again = client.create_run(tracking.ensure_experiment(client, settings(state)))
        assert again.info.artifact_uri.startswith(state.as_uri())


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("STORE_URL", "MLFLOW_URI", "MONGO_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def list_strays(folder: Path, state: Path) -> Iterator[Path]:
    """Yield what lies beside the state folder."""
    return (path for path in folder.rglob("*") if path.is_file() and state not in path.parents)


@pytest.mark.parametrize("name", NAMES)
def test_all_of_it_lies_in_the_folder_whatever_its_name(tmp_path: Path, name: str) -> None:
    """microsoft/PowerToys#4759"""
    state = make_state_folder(tmp_path / name)
    open_store(store(state)).write("datasets/x", b"1")
    assert (state / "store/datasets/x").read_bytes() == b"1"
    check(state, record(state))
    assert not list(list_strays(tmp_path, state))
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_folder_s_url_may_be_written_as_people_do(tmp_path: Path) -> None:
    """With blanks and number signs as they are, or escaped."""
    folder = tmp_path / "C# data"
    for url in (f"file://{folder}", folder.as_uri()):
        open_store(StoreSettings(store_url=url)).write("x", b"1")
        assert (folder / "x").is_file()
        shutil.rmtree(folder)


@pytest.mark.parametrize("name", ["moved", "C# & 100 % größe"])
def test_a_folder_that_was_moved_or_copied_works_in_its_new_place(tmp_path: Path, name: str) -> None:
    """A copy leaves the original as it is."""
    state = make_state_folder(tmp_path / "state")
    run_id = record(state)
    copy = Path(shutil.copytree(state, tmp_path / "copy"))
    check(copy, run_id)
    check(state, run_id)
    moved = state.rename(tmp_path / name)
    check(moved, run_id)


@pytest.mark.slow
def test_mongodb_keeps_its_documents_in_a_folder_of_any_name_that_moves(tmp_path: Path) -> None:
    """The embedded server is started with the folder's path."""
    state = make_state_folder(tmp_path / "C# & 100 % größe")
    with embedded.mongo(state) as uri, MongoClient[dict[str, int]](uri) as client:
        client.test.documents.insert_one({"_id": 1})
    with embedded.mongo(state.rename(tmp_path / "moved")) as uri, MongoClient[dict[str, int]](uri) as client:
        assert client.test.documents.count_documents({}) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    """Before anything starts."""
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(ConfigurationError, match="can't be created or written"):
        make_state_folder(tmp_path)


@pytest.mark.parametrize("path", ["/proc/state", "/dev/null"])
def test_a_place_that_takes_no_folder_is_named(path: str) -> None:
    """Before anything starts."""
    with pytest.raises(ConfigurationError, match=r"can't be created or written.*STATE="):
        make_state_folder(Path(path))


def test_the_home_folder_may_be_written_as_in_a_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which does not resolve it behind STATE= (zsh, dash)."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert make_state_folder(Path("~/results")) == tmp_path / "results"


@pytest.mark.parametrize("name", [os.fsdecode(b"r\xe9sultats"), "two\nlines", "\x1b[31m"])
def test_a_name_that_no_database_can_have_is_refused_before_anything_is_created(tmp_path: Path, name: str) -> None:
    """Bytes that are not UTF-8, and control characters; the message itself can be printed."""
    with pytest.raises(ConfigurationError, match="letters that") as caught:
        make_state_folder(tmp_path / name)
    assert str(caught.value).isascii()
    assert not list(tmp_path.iterdir())


def test_the_clone_itself_is_no_state_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `make run STATE=` would have it."""
    monkeypatch.chdir(Path(embedded.__file__).parents[2])
    with pytest.raises(ConfigurationError, match="files of the clone"):
        make_state_folder(Path())
    assert not Path("store").exists()
