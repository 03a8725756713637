"""The model: an ONNX autoencoder, what was fitted around it, and the limits it is held to; needs no TensorFlow."""

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from steps.common.dataset import OVERALL
from steps.common.errors import DamagedArtefact
from steps.common.normalisation import fold_name
from steps.scoring import artefact
from steps.scoring.arrays import Floats
from steps.scoring.artefact import AGAIN, NETWORK
from steps.scoring.calibration import Calibration
from steps.scoring.distribution import Distribution, Distributions
from steps.scoring.prior import Curve
from steps.scoring.scaling import Scales
from steps.scoring.signals import Signal, SignalSums, total
from steps.scoring.thresholds import HIGH_SHARE, Limits, Rolling

INPUT_LIMIT = 8.0
BLOCK_ROWS = 16_384
"""Rows scored at once, so that memory does not grow with them."""


class Scored(NamedTuple):
    """Scores [rows] and the strength of each signal [rows, signals]; higher is more unusual, in powers of ten."""

    scores: Floats
    surprises: Floats


class Model:
    """A model in memory.

    `golden`, `manifest` and `digest`, the SHA-256 of the manifest, are those of the files that it was loaded from.
    """

    def __init__(self, onnx: bytes, features: dict[str, Any], thresholds: dict[str, Any]) -> None:
        """Put the parts together.

        Raises:
            DamagedArtefact: the bytes are not an ONNX network.
            LookupError, TypeError, ValueError, AttributeError: the other parts are of another form.
        """
        self.names: tuple[str, ...] = tuple(feature["name"] for feature in features["features"])
        self.features = features
        self.thresholds = thresholds
        self.golden: list[dict[str, Any]] = []
        self.manifest: dict[str, Any] = {}
        self.digest = ""
        self._onnx = onnx
        self._network = session(onnx)
        scales = features["scales"]
        self.scales = Scales(tuple(scales["repositories"]), np.array(scales["middles"]), np.array(scales["spreads"]))
        self.signals = tuple(Signal(**signal) for signal in features["signals"])
        curves = {name: Curve(**curve) for name, curve in thresholds["curves"].items()}
        self._sums = SignalSums(self.signals, self.names, curves)
        read = [feature["name"] for feature in features["features"] if feature["group"]]
        self._network_columns = [self.names.index(name) for name in read]
        self._calibration = Calibration.from_json(thresholds["residuals"], read, self._sums.residuals)
        self._distributions = Distributions(thresholds["distributions"])
        self._spellings = {fold_name(name): name for name in self.scales.repositories}

    @classmethod
    def load(cls, folder: Path) -> "Model":
        """Load from a folder, after every file has the hash that the manifest names.

        Raises:
            DamagedArtefact: a file is missing or has another hash, or is of another form or version than this reads.
        """
        files, manifest, digest = artefact.read(folder)
        onnx, features, thresholds, golden = files.values()
        try:
            model = cls(onnx, json.loads(features), json.loads(thresholds))
            model.golden = list(json.loads(golden))
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise DamagedArtefact(
                f"The model in {folder} is of another form than this version reads ({error!r}).", advice=AGAIN
            ) from None
        model.manifest, model.digest = manifest, digest
        return model

    def write(self, folder: Path, golden: Sequence[Mapping[str, Any]], facts: Mapping[str, Any]) -> "Model":
        """Write the model's files, with facts for the manifest, and return it as loaded from them."""
        parts = {"features.json": self.features, "thresholds.json": self.thresholds, "golden.json": list(golden)}
        files = {NETWORK: self._onnx, **{name: artefact.as_json(part) for name, part in parts.items()}}
        artefact.write(folder, files, facts)
        return Model.load(folder)

    def check_features(self, names: Sequence[str]) -> None:
        """Make sure that the model reads these features in this order.

        Raises:
            DamagedArtefact: naming the first difference.
        """
        for place, (own, given) in enumerate(zip_longest(self.names, names), start=1):
            if own != given:
                raise DamagedArtefact(
                    f"The model's feature {place} is {own or 'missing'}, where the code has {given or 'no more'}.",
                    advice="Use the model with the code that it was trained with, or train it again.",
                )

    def score(self, features: Floats, repositories: Sequence[str]) -> Scored:
        """Score raw features [rows, features] in the order of `names`."""
        return self.score_scaled(features, self.scales.apply(features, repositories))

    def score_scaled(self, features: Floats, scaled: Floats) -> Scored:
        """Score raw features [rows, features] that were also scaled by the model's `scales`."""
        inputs = self.network_inputs(scaled)
        rarities = self._calibration.rarities(inputs - reconstruct(self._network, inputs))
        strengths = self._sums.strengths(features, rarities)
        return Scored(total(strengths), strengths)

    def network_inputs(self, scaled: Floats) -> Floats:
        """Return those of the scaled features [rows, features] that the network reads."""
        return scaled[:, self._network_columns]

    @property
    def threshold(self) -> float:
        """The score above which a pull request of any repository is unusual, by the alert budget."""
        return float(self.thresholds["threshold"])

    @property
    def high(self) -> float:
        """The score above which it is highly so: a tenth of the budget."""
        return float(self.thresholds["high"])

    @property
    def alert_budget(self) -> float:
        """The share of pull requests that should be flagged."""
        return float(self.thresholds["alert_budget"])

    @cached_property
    def _limits(self) -> dict[str, Limits]:
        return {name: self.rolling(name).current() for name in self.thresholds.get("newest", {})}

    def limits(self, repository: str) -> Limits:
        """Return the limits of a repository as of training; those over all where it isn't known."""
        return self._limits.get(repository) or Limits(self.threshold, self.high)

    @property
    def repositories(self) -> list[str]:
        """The repositories that have limits of their own."""
        return list(self._limits)

    def has_own_limits(self, repository: str) -> bool:
        """Return True if the model was trained with scores of the repository."""
        return repository in self._limits

    def rolling(self, repository: str) -> Rolling:
        """Return the repository's newest scores as of training, to go on from."""
        newest = self.thresholds.get("newest", {}).get(repository, ())
        return Rolling.start(self.alert_budget, self.limits_at(self.alert_budget), newest)

    def limits_at(self, budget: float) -> Limits:
        """Return the limits over all repositories at another alert budget; beyond its own, to a ten-thousandth."""
        if budget == self.alert_budget:
            return Limits(self.threshold, self.high)
        over_all = self._distributions.of(OVERALL)
        threshold, high = np.interp((1 - budget, 1 - budget * HIGH_SHARE), over_all.levels, over_all.scores).tolist()
        return Limits(threshold, high)

    def level(self, score: float, limits: Limits | None = None) -> Literal["standard", "unusual", "high"]:
        """Return the level in words, by these limits, or by those over all."""
        threshold, high = limits or (self.threshold, self.high)
        if score <= threshold:
            return "standard"
        return "high" if score > high else "unusual"

    def percentile(self, score: float, repository: str) -> float:
        """The share, in percent, of the repository's past that scored lower; of all where it isn't known."""
        return self._distributions.percentile(score, repository)

    def spell(self, repository: str) -> str:
        """Return GitHub's spelling of a repository's name if the model knows it by another letter case."""
        return self._spellings.get(fold_name(repository), repository)

    def distribution(self, repository: str) -> Distribution:
        """Return the distribution of the repository's past scores; that of all where it isn't known."""
        return self._distributions.of(repository)

    def middles(self, repository: str) -> dict[str, float]:
        """The usual value of each feature there, which can stand for one that isn't known."""
        return dict(zip(self.names, self.scales.middle(repository), strict=True))


def session(onnx: bytes) -> ort.InferenceSession:
    """An ONNX session on one thread, which is fastest for a network this small.

    Raises:
        DamagedArtefact: these bytes are not an ONNX network.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    try:
        return ort.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own errors have no ancestor in common
        raise DamagedArtefact(f"{NETWORK} is not an ONNX network ({type(error).__name__}).", advice=AGAIN) from error


def reconstruct(network: ort.InferenceSession, scaled: Floats) -> Floats:
    """Each feature as the others predict it [rows, features], a block of rows at a time."""
    inputs: NDArray[np.float32] = np.clip(scaled, -INPUT_LIMIT, INPUT_LIMIT).astype(np.float32)
    name = network.get_inputs()[0].name
    starts = range(0, max(len(inputs), 1), BLOCK_ROWS)
    blocks = [network.run(None, {name: inputs[start : start + BLOCK_ROWS]})[0] for start in starts]
    return np.concatenate(blocks).astype(np.float64)
