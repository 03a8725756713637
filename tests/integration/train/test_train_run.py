"""What a training leaves in MLflow, that it is the same each time, and that a finished one isn't done again."""

import json
import math
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
from mlflow import MlflowClient

from steps.common.dataset import materialise
from steps.common.errors import DamagedArtefact, NotFound, Unavailable
from steps.common.store import FolderStore
from steps.preprocess.anomalies import KINDS
from steps.scoring.features import FEATURES, NAMES
from steps.scoring.model import Model
from steps.scoring.rarity import ABOVE, WINDOW_ROWS
from steps.scoring.scaling import Scales
from steps.train import autoencoder, truth
from steps.train.data import Rows, batches, sample
from steps.train.run import train_and_measure
from tests.support.trainings import BUDGET, SEED, Trained

DETECTORS = {"model", "lines_added", "isolation_forest", "ecod"}
FIGURES = {"average_precision", "roc_auc", "f1", "recall_at_1", "recall_at_5", "recall_at_10"}


def artefact(answer: dict[str, Any]) -> Path:
    """The model's files."""
    return Path(mlflow.artifacts.download_artifacts(answer["model_uri"]))


def evaluation(answer: dict[str, Any]) -> dict[str, Any]:
    """The figures as the run keeps them."""
    return dict(mlflow.artifacts.load_dict(f"runs:/{answer['run_id']}/evaluation.json"))


def test_every_detector_is_measured_on_every_kind_and_on_what_was_taken_back(
    trained: Trained, client: MlflowClient
) -> None:
    """Each figure is a number between 0 and 1, in the file and among the run's metrics."""
    figures = evaluation(trained.answer)
    assert set(figures["injected"]) == {"all", *(kind.__name__ for kind in KINDS)}
    metrics = client.get_run(trained.answer["run_id"]).data.metrics
    for task, by_detector in {**figures["injected"], "reverted": figures["reverted"]}.items():
        assert set(by_detector) == DETECTORS
        for detector, values in by_detector.items():
            assert set(values) == FIGURES
            assert all(0 <= value <= 1 for value in values.values()), (task, detector)
    assert metrics["injected.all.model.f1"] == pytest.approx(figures["injected"]["all"]["model"]["f1"])
    assert metrics["reverted.ecod.roc_auc"] == pytest.approx(figures["reverted"]["ecod"]["roc_auc"])
    assert metrics["mean_plus_2std"] == pytest.approx(figures["mean_plus_2std"])


def test_the_model_finds_planted_anomalies_better_than_what_one_would_use_instead(trained: Trained) -> None:
    """Above IsolationForest and ECOD on the same features, and three times the lines added."""
    found = {
        name: figures["average_precision"] for name, figures in evaluation(trained.answer)["injected"]["all"].items()
    }
    assert found["model"] > max(found["isolation_forest"], found["ecod"])
    assert found["model"] >= 3 * found["lines_added"]


def test_the_run_says_what_it_was_made_from(trained: Trained, client: MlflowClient) -> None:
    """Data hash, dataset, Git commit, parameters, plots, and the loss by epoch."""
    run = client.get_run(trained.answer["run_id"])
    assert run.data.tags["dataset_uri"] == trained.dataset_uri
    assert run.data.tags["data_hash"] == trained.dataset_uri.rpartition("/")[2]
    assert run.data.tags["git_commit"] == trained.settings["GIT_COMMIT"]
    assert run.data.params["seed"] == str(SEED)
    assert run.data.params["rows_train"] == "2520"
    plots = {item.path for item in client.list_artifacts(run.info.run_id, "plots")}
    assert plots == {"plots/loss.png", "plots/scores.png", "plots/precision_recall.png"}
    losses = client.get_metric_history(run.info.run_id, "loss")
    assert len(losses) > 1
    assert losses[-1].value < losses[0].value


def test_the_network_comes_with_a_signature_and_an_example_that_mlflow_can_run(trained: Trained) -> None:
    """Through MLflow's own loader it gives what the artefact gives."""
    network = mlflow.pyfunc.load_model(trained.answer["model_uri"])
    example = network.input_example
    assert network.metadata.signature.inputs.inputs[0].shape == (-1, sum(bool(feature.group) for feature in FEATURES))
    (predicted,) = network.predict(example).values()
    assert predicted.shape == example.shape
    assert np.isfinite(predicted).all()


def test_the_artefact_holds_no_code_and_scores(trained: Trained) -> None:
    """ONNX and JSON only, each with its hash; far out is unusual, the middle is not."""
    folder = artefact(trained.answer)
    assert not [path for path in folder.rglob("*") if path.suffix in {".pkl", ".keras", ".h5", ".py", ".joblib"}]
    model = Model.load(folder)
    middle = np.array(model.features["scales"]["middles"])[:1]
    usual, odd = model.score(middle, ["example/docs"]), model.score(middle + 50, ["nobody/knows"])
    assert usual.scores[0] < model.threshold < odd.scores[0]
    assert (model.level(usual.scores[0]), model.level(odd.scores[0])) == ("standard", "high")


def test_the_threshold_spends_the_alert_budget(trained: Trained) -> None:
    """About one in a hundred later pull requests is flagged."""
    assert evaluation(trained.answer)["flagged_share"] == pytest.approx(BUDGET, abs=0.02)


def test_the_most_unusual_come_in_order_with_reasons_in_words(trained: Trained) -> None:
    """Up to three each, and none that is not filled in."""
    text = mlflow.artifacts.load_text(f"runs:/{trained.answer['run_id']}/unusual.json")
    unusual = json.loads(text)
    scores = [entry["score"] for entry in unusual]
    assert scores == sorted(scores, reverse=True)
    assert unusual[0]["reasons"]
    for entry in unusual:
        assert len(entry["reasons"]) <= 3
        assert not any(mark in reason for reason in entry["reasons"] for mark in ("{", "nan", "inf"))
        assert math.isfinite(entry["percentile"])


def test_what_was_taken_back_is_worked_out_from_the_texts(trained: Trained, client: MlflowClient) -> None:
    """The pull requests that later ones name count as reverted where they lie in the test split."""
    assert evaluation(trained.answer)["reverted"] is not None
    assert client.get_run(trained.answer["run_id"]).data.metrics["reverted.model.average_precision"] > 0


def test_the_run_leads_to_its_trace_and_back(trained: Trained, client: MlflowClient) -> None:
    """If traces are sent."""
    (span,) = trained.spans
    assert client.get_run(trained.answer["run_id"]).data.tags["trace_id"] == span.trace_id
    assert span.attributes["pr_sentinel.mlflow_run"] == trained.answer["run_id"]


@pytest.mark.slow
def test_the_same_data_and_seed_give_the_same_model_to_the_byte(trained: Trained, environment: dict[str, str]) -> None:
    """In another MLflow, from the same store."""
    first = artefact(trained.answer)
    files = {path.name: path.read_bytes() for path in [*first.glob("*.onnx"), *(first / "extra_files").iterdir()]}
    answer = train_and_measure(trained.dataset_uri, BUDGET, SEED)
    again = artefact(answer)
    assert answer["average_precision"] == trained.answer["average_precision"]
    for path in [*again.glob("*.onnx"), *(again / "extra_files").iterdir()]:
        assert path.read_bytes() == files[path.name], path.name


def test_rows_that_are_kept_in_memory_and_rows_that_are_streamed_make_the_same_batches(
    dataset_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the byte, over several rounds of the rows, which are read once or each time."""
    store = FolderStore(Path(dataset_uri.removeprefix("file://")).parents[1])
    dataset = materialise(store, dataset_uri, tmp_path)
    past = sample(dataset, "train", NAMES)
    scales, members = Scales.fit(past.features, past.repositories), np.eye(len(NAMES))
    asked, made = Counter[int](), []

    def read(*given: Any) -> Iterator[Rows]:
        asked[most] += 1
        return batches(*given)

    monkeypatch.setattr(autoencoder, "batches", read)
    for most in (len(past), len(past) - 1):
        monkeypatch.setattr(autoencoder, "SAMPLE_ROWS", most)
        endless = autoencoder.examples(dataset, NAMES, scales, members, np.random.default_rng(SEED))
        rounds = islice(endless, 3 * math.ceil(len(past) / autoencoder.BATCH))
        made.append([(rows.tobytes(), hidden.tobytes(), target.tobytes()) for (rows, hidden), target in rounds])
    assert made[0] == made[1]
    assert asked == {len(past): 1, len(past) - 1: 3}


def test_a_finished_training_is_not_done_again(
    trained: Trained, client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same dataset, budget and seed give the run that is there."""
    for name, value in trained.settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("steps.train.run.train", None)
    assert train_and_measure(trained.dataset_uri, BUDGET, SEED) == trained.answer
    assert len(client.search_runs(["1"])) == 1


def test_a_damaged_dataset_is_never_trained_on(environment: dict[str, str], tmp_path: Path) -> None:
    """Nor one that isn't there."""
    from tests.support import builders

    uri = builders.dataset(tmp_path / "store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORE_URL", f"file://{tmp_path}/store")
        with pytest.raises(NotFound):
            train_and_measure(f"file://{tmp_path}/store/datasets/{'0' * 64}", BUDGET, SEED)
        file = next(Path(uri.removeprefix("file://")).rglob("*.parquet"))
        file.write_bytes(file.read_bytes()[:-1] + b"!")
        with pytest.raises(DamagedArtefact, match=file.name):
            train_and_measure(uri, BUDGET, SEED)


@pytest.mark.parametrize("uri", ["http://127.0.0.1:1", "sqlite:////proc/nowhere/mlflow.db"])
def test_an_mlflow_that_can_t_be_used_is_named(
    environment: dict[str, str], trained: Trained, monkeypatch: pytest.MonkeyPatch, uri: str
) -> None:
    """With its address, and what to do."""
    monkeypatch.setenv("MLFLOW_URI", uri)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(Unavailable, match="MLFLOW_URI") as caught:
        train_and_measure(trained.dataset_uri, BUDGET, SEED)
    assert uri.partition("://")[2].split("/")[0] in str(caught.value)


def test_what_is_stated_of_rarity_is_true_on_later_pull_requests(dataset_uri: str, tmp_path: Path) -> None:
    """Of the samples' test split: at most twice as many are called one in N as are, for nearly every feature."""
    store = FolderStore(Path(dataset_uri.removeprefix("file://")).parents[1])
    later = sample(materialise(store, dataset_uri, tmp_path), "test", NAMES)
    owners = np.asarray(later.repositories)
    remembered = later.table.column(WINDOW_ROWS).to_numpy().astype(float)
    verdicts = [
        holds
        for name in ABOVE
        for owner in sorted(set(later.repositories))
        for _, holds in truth.statements(
            later.table.column(name).to_numpy().astype(float)[owners == owner], remembered[owners == owner]
        )
    ]
    assert len(verdicts) > len(ABOVE)
    assert np.mean(verdicts) >= 0.95
