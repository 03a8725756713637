"""Every champion has a Bento: stored and named before the alias moves, and made anew where it is missing or damaged."""

import json
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from steps.common.errors import ConfigurationError, DamagedArtefact, StorageFull
from steps.common.settings import StoreSettings, load
from steps.common.store import FolderStore, Store, open_store
from steps.packaging import archive
from steps.register import package
from steps.register.registry import decide_and_register
from steps.scoring import signature
from tests.support import signing_keys
from tests.support.command_line import ROOT

NAME = "pr-sentinel"
KEYS = signing_keys.build(1)


@pytest.fixture
def store(client: MlflowClient) -> Store:
    """Where the step keeps Bentos; there are none yet."""
    del client
    return open_store(load(StoreSettings))


def champion(client: MlflowClient) -> ModelVersion:
    """The version that the alias names."""
    return client.get_model_version_by_alias(NAME, "champion")


def keys(store: Store) -> list[str]:
    """All Bentos."""
    return store.list_keys(archive.FOLDER)


def lose(client: MlflowClient, store: Store) -> None:
    """As if the champion was registered before there were Bentos."""
    for name in (archive.KEY_TAG, archive.BENTO_TAG):
        client.delete_model_version_tag(NAME, champion(client).version, name)
    store.delete(archive.FOLDER)


def change(client: MlflowClient, store: Store) -> None:
    """Change one byte of the champion's Bento."""
    key = champion(client).tags[archive.KEY_TAG]
    store.write(key, store.read(key)[:-1] + b"\0")


def empty(client: MlflowClient, store: Store) -> None:
    """Take away what the store holds of it."""
    del client
    store.delete(archive.FOLDER)


def test_a_champion_has_a_bento_that_tells_what_it_is(
    client: MlflowClient, store: Store, trainings: Any, tmp_path: Path
) -> None:
    """By the version's tags, in the store, under its own hash."""
    answer = decide_and_register(**trainings["good"])
    version = champion(client)
    assert (version.tags[archive.BENTO_TAG], [version.tags[archive.KEY_TAG]]) == (answer["bento"], keys(store))
    assert answer["bento"].startswith(f"{NAME}:1-")
    folder = archive.unpack(store, version.tags[archive.KEY_TAG], tmp_path / "here")
    assert json.loads((folder / package.REGISTRATION_FILE).read_bytes()) == {
        "name": NAME,
        "version": "1",
        "reason": answer["reason"],
    }
    assert (folder / "tag").read_text() == answer["bento"]


def test_the_same_run_again_packs_nothing(
    client: MlflowClient, store: Store, trainings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Bento that is there is the answer."""
    first = decide_and_register(**trainings["good"])
    monkeypatch.setattr(package, "build", None)
    again = decide_and_register(**trainings["good"])
    assert (again["decision"], again["bento"]) == ("unchanged", first["bento"])
    assert keys(store) == [champion(client).tags[archive.KEY_TAG]]


@pytest.mark.parametrize("spoil", [lose, change, empty])
@pytest.mark.parametrize("second", ["good", "twin", "faint"])
def test_a_champion_without_a_whole_bento_gets_one(
    client: MlflowClient, store: Store, trainings: Any, spoil: Any, second: str
) -> None:
    """By the next register, whatever it decides: the same one at the same place."""
    first = decide_and_register(**trainings["good"])
    before = dict(champion(client).tags)
    spoil(client, store)
    answer = decide_and_register(**trainings[second])
    assert answer["bento"] == ("" if second == "faint" else first["bento"])
    assert champion(client).tags == before
    assert keys(store) == [before[archive.KEY_TAG]]
    assert archive.is_whole(store, before[archive.KEY_TAG])


def test_other_code_makes_another_bento_of_the_same_version(
    client: MlflowClient, store: Store, trainings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """So what is mended in the service reaches it without a new model; the old Bento stays for who uses it."""
    first = decide_and_register(**trainings["good"])
    before = champion(client).tags[archive.KEY_TAG]
    files = [*package.list_files(), ROOT / "README.md"]
    monkeypatch.setattr(package, "list_files", lambda: files)
    answer = decide_and_register(**trainings["faint"])
    assert answer["decision"] == "refused"
    after = champion(client)
    assert (after.version in {"1", 1}, after.tags[archive.BENTO_TAG] != first["bento"]) == (True, True)
    assert sorted(keys(store)) == sorted([before, after.tags[archive.KEY_TAG]])


def test_with_a_key_register_signs_the_model_in_the_bento(
    client: MlflowClient, store: Store, trainings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The version names the key; the signature covers the version's number, too."""
    monkeypatch.setenv("MODEL_SIGNING_KEY", KEYS.private)
    decide_and_register(**trainings["good"])
    tags = champion(client).tags
    folder = archive.unpack(store, tags[archive.KEY_TAG], tmp_path / "here")
    signed = signature.verify(signature.read(folder), KEYS.public)
    assert tags[package.SIGNER_TAG] == signed.key_id == signature.find_key_id(KEYS.private)
    assert package.REGISTRATION_FILE in signed.files
    assert tags["model_sha256"] in signed.files.values()


def test_without_a_key_the_version_says_unsigned_and_a_key_makes_up_for_it(
    client: MlflowClient, store: Store, trainings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whatever the next register decides; and so does another key."""
    decide_and_register(**trainings["good"])
    tags = [champion(client).tags]
    assert tags[0][package.SIGNER_TAG] == "unsigned"
    assert signature.read(archive.unpack(store, tags[0][archive.KEY_TAG], tmp_path / "unsigned")) is None
    for keys in (KEYS, signing_keys.build(2)):
        monkeypatch.setenv("MODEL_SIGNING_KEY", keys.private)
        assert decide_and_register(**trainings["faint"])["decision"] == "refused"
        tags.append(champion(client).tags)
        folder = archive.unpack(store, tags[-1][archive.KEY_TAG], tmp_path / "signed")
        assert signature.verify(signature.read(folder), keys.public).key_id == tags[-1][package.SIGNER_TAG]
    assert len({one[archive.BENTO_TAG] for one in tags}) == 3


def test_a_key_that_can_not_be_used_registers_nothing(
    client: MlflowClient, store: Store, trainings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No unsigned model becomes champion because of a slip in Vault, and the message shows no key."""
    monkeypatch.setenv("MODEL_SIGNING_KEY", KEYS.private.replace("BEGIN", "END"))
    with pytest.raises(ConfigurationError, match="MODEL_SIGNING_KEY is not a private key") as refused:
        decide_and_register(**trainings["good"])
    assert KEYS.private.splitlines()[1] not in str(refused.value)
    assert [model.aliases for model in client.search_registered_models()] in ([], [{}])
    assert keys(store) == []


def test_a_champion_that_does_not_fit_the_code_any_more_keeps_its_bento(
    client: MlflowClient,
    store: Store,
    trainings: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A refusal of another model stays one; the log says that there is no new Bento."""
    decide_and_register(**trainings["good"])
    before = dict(champion(client).tags)
    monkeypatch.setattr(package, "list_files", lambda: [])
    monkeypatch.setattr(package, "build", refused)
    assert decide_and_register(**trainings["faint"])["decision"] == "refused"
    assert (champion(client).tags, keys(store)) == (before, [before[archive.KEY_TAG]])
    (told,) = (record for record in caplog.records if record.message == "could not rebuild the champion's Bento")
    assert "golden" in vars(told)["problem"]


def refused(*_: Any) -> Path:
    """In the place of `package.make`, for a model that the service refuses."""
    raise DamagedArtefact("A golden pull request differs.", advice="Train again.")


def test_a_version_whose_bento_can_not_be_made_does_not_become_champion(
    client: MlflowClient, store: Store, trainings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next try ends what this one began."""
    decide_and_register(**trainings["faint"])
    with monkeypatch.context() as patch:
        patch.setattr(package, "build", refused)
        with pytest.raises(DamagedArtefact, match="golden"):
            decide_and_register(**trainings["good"])
    assert champion(client).version in {"1", 1}
    answer = decide_and_register(**trainings["good"])
    assert (answer["decision"], answer["version"]) == ("accepted", "2")
    assert champion(client).tags[archive.BENTO_TAG] == answer["bento"]
    assert len(keys(store)) == 2


def test_a_full_store_is_reported(
    client: MlflowClient, store: Store, trainings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing half-written is left where a Bento would be."""

    def full(self: FolderStore, key: str, path: Path) -> None:
        raise StorageFull("The store is full.", advice="Free some space.")

    monkeypatch.setattr(FolderStore, "upload", full)
    with pytest.raises(StorageFull):
        decide_and_register(**trainings["good"])
    assert keys(store) == []
    assert not client.search_registered_models()[0].aliases


def test_deleting_a_refused_version_deletes_its_bento(
    client: MlflowClient, store: Store, trainings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version that an interrupted run left and that is refused now leaves nothing in the store."""
    decide_and_register(**trainings["faint"])

    def interrupted(self: MlflowClient, name: str, alias: str, version: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "set_registered_model_alias", interrupted)
        with pytest.raises(KeyboardInterrupt):
            decide_and_register(**trainings["good"])
    assert len(store.list_keys(f"{archive.FOLDER}/2")) == 1
    client.set_model_version_tag(NAME, "1", "model_sha256", client.get_model_version(NAME, "2").tags["model_sha256"])
    assert decide_and_register(**trainings["good"])["reason"].startswith("Demoted: ")
    assert store.list_keys(f"{archive.FOLDER}/2") == []
