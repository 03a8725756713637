"""The plots that go with a run."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from steps.scoring.arrays import Floats
from steps.train.metrics import Bools, precision_recall

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LABELS = {
    "model": "PR Sentinel",
    "lines_added": "lines added",
    "isolation_forest": "IsolationForest",
    "ecod": "ECOD",
}


def _axes(title: str, across: str, up: str) -> tuple["Figure", "plt.Axes"]:  # type: ignore[name-defined]  # noqa: F821
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.set(title=title, xlabel=across, ylabel=up)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def losses(training: Sequence[float], validation: Sequence[float]) -> "Figure":
    """Loss by epoch."""
    figure, axes = _axes("Reconstruction loss", "epoch", "Huber loss")
    epochs = range(1, len(training) + 1)
    axes.plot(epochs, training, label="training")
    axes.plot(epochs, validation, label="validation")
    axes.legend(frameon=False)
    return figure


def scores(real: Floats, injected: Floats, thresholds: Mapping[str, float]) -> "Figure":
    """Draw how scores are spread, for real and injected pull requests, and where the thresholds lie."""
    figure, axes = _axes("Scores of the test split", "score", "share of pull requests")
    bins = np.linspace(0, float(np.quantile(np.concatenate([real, injected]), 0.999)), 60)
    for values, label in ((real, "real"), (injected, "with an anomaly injected")):
        axes.hist(values, bins, weights=np.full(len(values), 1 / len(values)), alpha=0.6, label=label)
    for style, (name, value) in zip(("-", "--"), thresholds.items(), strict=False):
        axes.axvline(value, color="black", linestyle=style, linewidth=1, label=f"{name}: {value:.2f}")
    axes.legend(frameon=False)
    return figure


def precision_recalls(wanted: Bools, detectors: Mapping[str, Floats], weights: Floats) -> "Figure":
    """Precision against recall of each detector on all injected anomalies together."""
    figure, axes = _axes("Injected anomalies, 1 % of all pull requests", "recall", "precision")
    for name, values in detectors.items():
        precision, recall = precision_recall(wanted, values, weights)
        axes.step(recall, precision, where="post", label=LABELS[name], linewidth=2 if name == "model" else 1)
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(frameon=False)
    return figure
