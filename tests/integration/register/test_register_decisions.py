"""Register against a real MLflow on SQLite: what it writes when the gate says yes, and what it leaves alone if not."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from steps.common.errors import DamagedArtefact, DataError, NotFound, Unavailable
from steps.register.registry import decide_and_register
from tests.support.model_versions import NAME, aliases, champion


def place(client: MlflowClient, given: dict[str, str]) -> Path:
    """Where MLflow keeps a model's files."""
    model = client.get_logged_model(given["model_uri"].rpartition("/")[2])
    return Path(model.artifact_location.removeprefix("file://"))


def versions(client: MlflowClient) -> list[str]:
    """All versions there are."""
    return sorted(str(version.version) for version in client.search_model_versions(f"name = '{NAME}'"))


def test_a_first_model_becomes_a_version_with_tags_and_aliases(client: MlflowClient, trainings: Any) -> None:
    """The version says where it comes from, how good it is and why it was taken."""
    given = trainings["good"]
    answer = decide_and_register(**given)
    assert answer["version"] == "1"
    assert answer["decision"] == "accepted"
    assert answer["reason"].startswith("First: ")
    version = client.get_model_version_by_alias(NAME, "champion")
    assert (version.run_id, version.source) == (given["run_id"], given["model_uri"])
    assert aliases(client) == {"champion": "1", "challenger": "1"}
    run = client.get_run(given["run_id"]).data
    assert {name: version.tags[name] for name in ("data_hash", "dataset_uri", "git_commit", "model_sha256")} == {
        name: run.tags[name] for name in ("data_hash", "dataset_uri", "git_commit", "model_sha256")
    }
    assert float(version.tags["average_precision"]) == pytest.approx(
        run.metrics["injected.all.model.average_precision"], abs=1e-6
    )
    assert version.tags["dataset_uri"] == given["dataset_uri"]
    assert (version.tags["decision"], version.tags["reason"]) == ("accepted", answer["reason"])
    assert datetime.fromisoformat(version.tags["data_until"]).tzinfo is not None
    assert "image_digest" not in version.tags


def test_the_same_run_again_changes_nothing(client: MlflowClient, trainings: Any) -> None:
    """The version that is there is the answer."""
    decide_and_register(**trainings["good"])
    before = client.get_model_version(NAME, "1")
    again = decide_and_register(**trainings["good"])
    assert (again["version"], again["decision"]) == ("1", "unchanged")
    assert versions(client) == ["1"]
    assert dict(client.get_model_version(NAME, "1")) == dict(before)
    assert client.get_run(trainings["good"]["run_id"]).data.tags["decision"] == "accepted"


def test_another_run_with_the_same_model_is_nothing_new(client: MlflowClient, trainings: Any) -> None:
    """A repeated training of the same content gets no version."""
    decide_and_register(**trainings["good"])
    answer = decide_and_register(**trainings["twin"])
    assert (answer["version"], answer["decision"]) == ("1", "unchanged")
    assert versions(client) == ["1"]


def test_a_better_model_takes_over(client: MlflowClient, trainings: Any) -> None:
    """Both are scored on the same rows, and the alias moves."""
    decide_and_register(**trainings["faint"])
    answer = decide_and_register(**trainings["good"])
    assert (answer["version"], answer["decision"]) == ("2", "accepted")
    assert answer["reason"].startswith("Better: ")
    assert champion(client) == "2"


def test_a_fresher_model_takes_over_where_it_is_not_worse(client: MlflowClient, trainings: Any) -> None:
    """The champion's scores on the newer rows are as good, and its data end earlier."""
    decide_and_register(**trainings["good"])
    answer = decide_and_register(**trainings["newer"])
    assert (answer["version"], answer["decision"]) == ("2", "accepted")
    assert answer["reason"].startswith("Fresher: ")


@pytest.mark.parametrize(
    ("first", "second", "rule"),
    [
        ("good", "faint", "worse"),
        ("good", "newer faint", "worse"),
        ("newer", "good", "tie"),
        ("good", "worthless", "below floor"),
        ("good", "other names", "no comparison"),
        (None, "worthless", "below floor"),
        (None, "no threshold", "no threshold"),
        (None, "misreported", "other figures"),
        (None, "no figure of a baseline", "below floor"),
        (None, "few rows", "too little evidence"),
    ],
)
def test_a_refused_model_gets_no_version(
    client: MlflowClient, trainings: Any, first: str | None, second: str, rule: str
) -> None:
    """The champion stays; the run is told why, also the second time."""
    if first:
        decide_and_register(**trainings[first])
    for _ in range(2):
        answer = decide_and_register(**trainings[second])
        assert (answer["version"], answer["decision"]) == ("", "refused")
        assert answer["reason"].startswith(f"{rule.capitalize()}: ")
    tags = client.get_run(trainings[second]["run_id"]).data.tags
    assert (tags["decision"], tags["rule"], tags["reason"]) == ("refused", rule, answer["reason"])
    assert versions(client) == (["1"] if first else [])
    if first:
        assert aliases(client) == {"champion": "1", "challenger": "1"}


def test_without_its_alias_a_champion_that_cannot_be_compared_makes_way(client: MlflowClient, trainings: Any) -> None:
    """What the refusal advises works: the next run starts afresh."""
    decide_and_register(**trainings["good"])
    refused = decide_and_register(**trainings["other names"])
    assert "Remove the alias champion" in refused["reason"]
    assert "strong" in refused["reason"]
    client.delete_registered_model_alias(NAME, "champion")
    assert decide_and_register(**trainings["other names"])["version"] == "2"


def test_a_demoted_model_is_not_promoted_again(client: MlflowClient, trainings: Any) -> None:
    """However well it scores: neither by its own run nor by another with the same content."""
    decide_and_register(**trainings["faint"])
    decide_and_register(**trainings["good"])
    client.set_registered_model_alias(NAME, "champion", "1")
    for again in ("good", "twin"):
        answer = decide_and_register(**trainings[again])
        assert (answer["version"], answer["decision"]) == ("", "refused")
        assert answer["reason"].startswith("Demoted: ")
    assert champion(client) == "1"
    assert versions(client) == ["1", "2"]


@pytest.mark.parametrize("whose", ["challenger", "champion"])
def test_a_damaged_model_is_never_scored(client: MlflowClient, trainings: Any, tmp_path: Path, whose: str) -> None:
    """A challenger with one byte changed is an error; a champion can't be compared with."""
    given = trainings.another(tmp_path)
    if whose == "champion":
        decide_and_register(**given)
    network = place(client, given) / "model.onnx"
    network.write_bytes(network.read_bytes()[:-1] + b"\0")
    if whose == "challenger":
        with pytest.raises(DamagedArtefact, match=r"model\.onnx"):
            decide_and_register(**given)
        assert versions(client) == []
    else:
        answer = decide_and_register(**trainings["newer"])
        assert answer["reason"].startswith("No comparison: version 1 can't be compared: model.onnx")
        assert champion(client) == "1"


@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        ({"run_id": "faint"}, DataError, "model_sha256"),
        ({"model_uri": "faint"}, DataError, "model_sha256"),
        ({"dataset_uri": "newer"}, DataError, "dataset_uri, the run's data_hash, the model's data_hash"),
        ({"run_id": "newer", "dataset_uri": "newer"}, DataError, "the model's data_hash"),
    ],
)
def test_arguments_of_different_trainings_are_refused(
    client: MlflowClient, trainings: Any, changed: dict[str, str], error: type[Exception], words: str
) -> None:
    """A run vouches for its own model on its own dataset and no other."""
    given = trainings["good"] | {name: trainings[other][name] for name, other in changed.items()}
    with pytest.raises(error, match=words):
        decide_and_register(**given)
    assert versions(client) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"run_id": "0" * 32},
        {"model_uri": f"models:/m-{'0' * 32}"},
        {"dataset_uri": "0" * 64},
    ],
)
def test_what_does_not_exist_is_named(client: MlflowClient, trainings: Any, changed: dict[str, str]) -> None:
    """A run, a model or a dataset that isn't there is no reason to try again."""
    given = trainings["good"] | changed
    if "dataset_uri" in changed:
        given["dataset_uri"] = f"{trainings['good']['dataset_uri'].rpartition('/')[0]}/{changed['dataset_uri']}"
    with pytest.raises(NotFound, match="0000"):
        decide_and_register(**given)
    assert versions(client) == []


def test_a_model_whose_files_are_gone_is_named(client: MlflowClient, trainings: Any, tmp_path: Path) -> None:
    """MLflow knows it, and its place is empty."""
    given = trainings.another(tmp_path)
    place(client, given).rename(tmp_path / "elsewhere")
    with pytest.raises(DamagedArtefact, match=r"lacks manifest\.json"):
        decide_and_register(**given)


def test_a_run_that_did_not_finish_is_refused(client: MlflowClient, trainings: Any) -> None:
    """What it recorded may be half of it."""
    client.set_terminated(trainings["good"]["run_id"], "FAILED")
    with pytest.raises(DataError, match="status, FAILED"):
        decide_and_register(**trainings["good"])


@pytest.mark.parametrize("uri", ["http://127.0.0.1:9", "sqlite:////dev/null/mlflow.db"])
def test_an_mlflow_that_cannot_be_reached_is_worth_another_try(
    client: MlflowClient, trainings: Any, monkeypatch: pytest.MonkeyPatch, uri: str
) -> None:
    """The error names the address."""
    monkeypatch.setenv("MLFLOW_URI", uri)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(Unavailable, match=uri):
        decide_and_register(**trainings["good"])


@pytest.mark.parametrize(("second", "version", "rule"), [("newer", "3", "fresher"), ("newer faint", "", "worse")])
def test_a_champion_that_changed_meanwhile_keeps_its_place(
    client: MlflowClient, trainings: Any, monkeypatch: pytest.MonkeyPatch, second: str, version: str, rule: str
) -> None:
    """Another register that was quicker isn't overruled; the next try compares with what it left, and cleans up."""
    decide_and_register(**trainings["faint"])
    decide_and_register(**trainings["good"])
    client.delete_registered_model_alias(NAME, "champion")
    settle = MlflowClient.set_registered_model_alias

    def overtaken(self: MlflowClient, name: str, alias: str, version: str) -> None:
        settle(self, name, alias, version)
        settle(self, name, "champion", "2")

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "set_registered_model_alias", overtaken)
        with pytest.raises(Unavailable, match="champion changed"):
            decide_and_register(**trainings[second])
    assert (champion(client), versions(client)) == ("2", ["1", "2", "3"])
    answer = decide_and_register(**trainings[second])
    assert answer["version"] == version
    assert answer["reason"].startswith(f"{rule.capitalize()}: ")
    assert versions(client) == ["1", "2", *([version] if version else [])]
    assert champion(client) == (version or "2")
