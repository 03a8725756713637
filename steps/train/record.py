"""What MLflow keeps of a training, and how a finished one is found again."""

import hashlib
import json
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
import numpy as np
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

from steps.common import tracing
from steps.common.closure import ROOT, find_sources
from steps.common.dataset import Dataset
from steps.common.provenance import hash_code
from steps.common.settings import TrainSettings
from steps.common.tracking import ensure_experiment
from steps.scoring.artefact import FILES, MANIFEST, NETWORK
from steps.train import autoencoder, plots

if TYPE_CHECKING:
    from steps.train.run import Result

KEY = "train_key"
TRACE = "trace_id"
MODEL = "model"
DETERMINING = ("keras", "numpy", "onnx", "pyod", "scikit-learn", "tf2onnx")
"""Packages whose version may change what comes out."""


class Run:
    """The one run in MLflow for a dataset, this code and these parameters."""

    def __init__(
        self, client: MlflowClient, settings: TrainSettings, dataset_uri: str, data_hash: str, budget: float, seed: int
    ) -> None:
        self._client = client
        self._experiment = ensure_experiment(client, settings)
        self._parameters = {"alert_budget": budget, "seed": seed}
        self.facts: dict[str, Any] = {
            "data_hash": data_hash,
            "dataset_uri": dataset_uri,
            "git_commit": settings.git_commit,
        }
        # Not among the facts: the same training in another workflow gives the same model.
        self._workflow = {"workflow": settings.workflow_name} if settings.workflow_name else {}
        self._key = _key(data_hash, budget, seed)

    def find_finished(self) -> dict[str, Any] | None:
        """Return what the step returns, if this training was done before; what a killed one left is removed."""
        runs = self._client.search_runs([self._experiment], f"tags.{KEY} = '{self._key}'")
        for run in runs:
            outputs = self._client.get_run(run.info.run_id).outputs  # a search leaves them out
            if run.info.status == "FINISHED" and outputs:
                return self._answer(run.info.run_id, outputs.model_outputs[0].model_id, run.data.metrics)
            self._client.delete_run(run.info.run_id)
        return None

    def write(self, result: "Result", artefact: Path, dataset: Dataset) -> dict[str, Any]:
        """Log everything; the run counts as finished only when all of it is there."""
        tags = {KEY: self._key, **self.facts, **self._workflow, **_find_trace()}
        with mlflow.start_run(experiment_id=self._experiment, run_name=self.facts["data_hash"][:12], tags=tags) as run:
            tracing.describe({f"{tracing.PREFIX}mlflow_run": run.info.run_id})
            metrics = _metrics(result.figures)
            self._client.log_batch(
                run.info.run_id,
                metrics=_as_entities(metrics, result.network),
                params=[Param(name, str(value)) for name, value in self._describe(dataset).items()],
                tags=[RunTag("model_sha256", result.model.digest)],
            )
            mlflow.log_dict(result.figures, "evaluation.json")
            mlflow.log_text(json.dumps(result.unusual, indent=1), "unusual.json")
            _log_plots(result)
            model_id = _log_model(result, artefact)
        return self._answer(run.info.run_id, model_id, metrics)

    def _answer(self, run_id: str, model_id: str, metrics: dict[str, float]) -> dict[str, Any]:
        return {
            "run_id": run_id,
            "model_uri": f"models:/{model_id}",
            "average_precision": metrics["injected.all.model.average_precision"],
        }

    def _describe(self, dataset: Dataset) -> dict[str, Any]:
        manifest = dataset.manifest
        return {
            **self._parameters,
            "features": len(manifest.features),
            "repositories": len(manifest.repositories),
            **{f"rows_{split}": count for split, count in manifest.splits.items()},
            "hidden": autoencoder.HIDDEN,
            "latent": autoencoder.LATENT,
            "batch": autoencoder.BATCH,
            "learning_rate": autoencoder.LEARNING_RATE,
        }


def _find_trace() -> dict[str, str]:
    """Return the tag that leads from a run to its trace, if there is one."""
    ids = tracing.find_ids()
    return {TRACE: ids["trace_id"]} if ids else {}


def _key(data_hash: str, budget: float, seed: int) -> str:
    """A hash of all that decides what a training gives."""
    decides = f"{data_hash} {budget} {seed} {hash_code(find_sources(ROOT, ['steps.train.step']), DETERMINING)}"
    return hashlib.sha256(decides.encode()).hexdigest()


def sources() -> list[Path]:
    """Return the code that decides what a training gives: the step's, with all that it imports."""
    return find_sources(ROOT, ["steps.train.step"])


def _metrics(evaluation: dict[str, Any]) -> dict[str, float]:
    """Figures under names with dots: task, detector, figure."""
    tasks = {
        f"{group}.{kind}": by_detector
        for group in ("injected", "held_out")
        for kind, by_detector in evaluation[group].items()
    }
    if evaluation["reverted"]:
        tasks["reverted"] = evaluation["reverted"]
    flat = {
        f"{task}.{detector}.{figure}": value
        for task, by_detector in tasks.items()
        for detector, figures in by_detector.items()
        for figure, value in figures.items()
    }
    original = {f"mean_plus_2std.{figure}": value for figure, value in evaluation["at_mean_plus_2std"].items()}
    reasons = {f"reasons.{name}": float(evaluation["reasons"][name]) for name in ("statements", "true")}
    alone = {name: evaluation[name] for name in ("threshold", "mean_plus_2std", "flagged_share")}
    return flat | original | reasons | alone


def _as_entities(metrics: dict[str, float], network: autoencoder.TrainedNetwork) -> list[Metric]:
    now = time.time_ns() // 1_000_000
    curves = {"loss": network.losses, "validation_loss": network.validation_losses}
    return [
        *(Metric(name, value, now, 0) for name, value in metrics.items()),
        *(Metric(name, value, now, step) for name, values in curves.items() for step, value in enumerate(values)),
    ]


def _log_plots(result: "Result") -> None:
    tests, scores = result.tests, result.scores["model"]
    limits = {
        f"top {result.figures['alert_budget']:.0%}": result.figures["threshold"],
        "mean + 2 sd": result.figures["mean_plus_2std"],
    }
    weights = tests.tasks(held_out=False)["all"]
    figures = {
        "loss": plots.losses(result.network.losses, result.network.validation_losses),
        "scores": plots.scores(scores[tests.real], scores[~tests.real & ~tests.held_out], limits),
        "precision_recall": plots.precision_recalls(~tests.real, result.scores, weights),
    }
    for name, figure in figures.items():
        mlflow.log_figure(figure, f"plots/{name}.png", save_kwargs={"dpi": 150, "metadata": {"Software": None}})


def _log_model(result: "Result", artefact: Path) -> str:
    """Log the network with its signature and an example, and the artefact's other files beside it."""
    import onnx

    real = result.tests.rows
    whole = result.model.scales.apply(real.features[:5], real.repositories[:5])
    scaled = result.model.network_inputs(whole).astype(np.float32)
    signature = mlflow.models.infer_signature(scaled, scaled)
    logged = mlflow.onnx.log_model(
        onnx.load(artefact / NETWORK),
        name=MODEL,
        signature=signature,
        input_example=scaled,
        save_as_external_data=False,
        extra_files=[str(artefact / name) for name in (*FILES, MANIFEST) if name != NETWORK],
        pip_requirements=[f"onnxruntime=={version('onnxruntime')}"],
    )
    return str(logged.model_id)
