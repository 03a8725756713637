"""The detection benchmark on what a run over the samples has left."""

import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from benchmarks.detection import __main__ as benchmark
from benchmarks.detection import product, report
from benchmarks.detection.evaluation import ALL, DetectionEvaluation
from benchmarks.detection.judging import Candidates
from benchmarks.detection.pipeline import TrainedPipeline
from benchmarks.detection.records import Injected, Labels, read_injected
from benchmarks.detection.replay import serve_records
from benchmarks.detection.scoring import PRODUCT, Scoring, score_all
from steps.preprocess.anomalies import KINDS
from steps.preprocess.held_out import HELD_OUT_KINDS
from tests.support.command_line import SampleRun

pytestmark = pytest.mark.slow

SEED = 7
REPOSITORIES = ("example/compiler", "example/docs", "example/webshop")


@pytest.fixture(scope="module")
def whole(sample_run: SampleRun) -> TrainedPipeline:
    """The dataset and the model of the run over the samples."""
    assert sample_run.result.returncode == 0, sample_run.result.stdout
    return TrainedPipeline.find(sample_run.state)


def judge(whole: TrainedPipeline, state: Path, injected: Sequence[Injected] | None = None) -> Candidates:
    """All candidates of the sample repositories."""
    tell = benchmark.Narrator(Console(file=io.StringIO()))
    return benchmark.judge(injected, whole, state, REPOSITORIES, SEED, tell)


@pytest.fixture(scope="module")
def candidates(whole: TrainedPipeline, sample_run: SampleRun) -> Candidates:
    """With the product's own kinds injected."""
    return judge(whole, sample_run.state)


@pytest.fixture(scope="module")
def evaluation(whole: TrainedPipeline, candidates: Candidates) -> DetectionEvaluation:
    """Everything scored; every tenth pull request is called spam, and none reverted."""
    scoring = score_all(candidates, [(whole, REPOSITORIES)], SEED, lambda words: None)
    labels = {
        (one.row["repository"], one.row["number"]): Labels(one.row["number"] % 10 == 0, reverted=False)
        for one in candidates.each
        if one.kind is None
    }
    return DetectionEvaluation(candidates, labels, scoring, SEED)


def test_what_is_judged_is_what_training_would_have_read(whole: TrainedPipeline, candidates: Candidates) -> None:
    """Serving's features of every later pull request are those of the dataset."""
    compared = benchmark.compare_features(whole, candidates)
    assert compared["compared"] == whole.dataset.manifest.splits["test"]
    assert max(compared["difference"].values()) <= 1e-4


def test_all_figures_come_out(evaluation: DetectionEvaluation) -> None:
    """Finite, with intervals, for every detector, and as JSON and tables."""
    figures = evaluation.evaluate()
    assert figures["injected"].keys() == {ALL, *(kind.__name__ for kind in (*KINDS, *HELD_OUT_KINDS))}
    assert figures["injected"][ALL]["positives"] > 100
    detectors = figures["injected"][ALL]["detectors"]
    assert {PRODUCT, "lines_added", "anti_slop", "isolation_forest", "knn", "plain_autoencoder"} <= detectors.keys()
    for own in detectors.values():
        estimate = own["average_precision"]
        assert 0 < estimate["low"] <= estimate["value"] <= estimate["high"] <= 1
    assert detectors[PRODUCT]["average_precision"]["value"] > detectors["lines_added"]["average_precision"]["value"]
    shown = Console(file=io.StringIO(), width=200)
    result = {"modes": {"time_split": figures}, "alerts": evaluation.alerts(5)}
    report.show(json.loads(json.dumps(result)), shown)


def test_nothing_reverted_gives_no_figure_and_labels_that_mean_nothing_give_chance(
    evaluation: DetectionEvaluation,
) -> None:
    """No product can tell every tenth pull request from the others."""
    figures = evaluation.evaluate()
    assert figures["reverts"]["positives"] == 0
    assert set(figures["reverts"]["detectors"][PRODUCT].values()) == {None}
    auc = figures["spam"]["detectors"][PRODUCT]["roc_auc"]
    assert auc["low"] < 0.5 < auc["high"]


def test_alerts_are_real_flagged_and_in_order(evaluation: DetectionEvaluation) -> None:
    """Each with its reasons and where to look it up."""
    alerts = evaluation.alerts(10)
    scores = [alert["score"] for alert in alerts]
    assert alerts
    assert scores == sorted(scores, reverse=True)
    assert all(alert["reasons"] and alert["url"].startswith("https://github.com/example/") for alert in alerts)


def test_a_model_of_other_repositories_judges_those_left_out(
    whole: TrainedPipeline, candidates: Candidates, sample_run: SampleRun
) -> None:
    """It has seen no row of theirs."""
    fold = ["example/docs"]
    run = whole.train_without(fold, sample_run.state, SEED)
    assert {row["repository"] for row in run.read("train", ["repository"])} == set(REPOSITORIES) - set(fold)
    own = Candidates([one for one in candidates.each if one.row["repository"] in fold])
    scoring: Scoring = score_all(own, [(run, fold)], SEED, lambda words: None)
    assert np.isfinite(scoring.scores[PRODUCT]).all()
    assert (scoring.scores[PRODUCT] != product.score(whole.model, own.features, own.repositories.tolist())[0]).any()


def test_injected_pull_requests_from_a_file_are_judged(
    whole: TrainedPipeline, sample_run: SampleRun, tmp_path: Path
) -> None:
    """Beside the same real ones, and nothing else is injected."""
    strange = {
        "_kind": "mine",
        "_into": "example/docs",
        "created_at": "2026-08-20T10:00:00Z",
        "title": "typo",
        "user": {"login": "somebody-new"},
        "additions": 50_000,
        "changed_files": 900,
    }
    path = tmp_path / "injected.jsonl"
    path.write_text(json.dumps(strange))
    found = judge(whole, sample_run.state, read_injected(path, REPOSITORIES))
    assert [kind for kind in found.kinds if kind is not None] == ["mine"]
    (place,) = np.flatnonzero(~found.real)
    scores, _ = product.score(whole.model, found.features, found.repositories.tolist())
    docs = found.real & (found.repositories == "example/docs")
    assert scores[place] > np.quantile(scores[docs], 0.99)


def test_the_fake_github_serves_records(tmp_path: Path) -> None:
    """Where no replay server is given; an empty folder is served too."""
    with serve_records(tmp_path, None, None, tmp_path) as url:
        assert url.startswith("http://127.0.0.1:")
