"""The model artefact: an ONNX autoencoder, what was fitted around it, a manifest of hashes; needs no TensorFlow."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from steps.common.errors import DamagedArtefact
from steps.train.data import Floats
from steps.train.scaling import Scales
from steps.train.tails import Tail

VERSION = 1
FILES = ("model.onnx", "features.json", "thresholds.json")
MANIFEST = "manifest.json"
AGAIN = "Fetch the model again, or train it again."
MOST_REASONS = 3
"""A score adds up the most surprising features; these are the reasons too."""
ERROR_WEIGHT = 0.3
"""Weight of the reconstruction error's surprise against that of the value itself."""
INPUT_LIMIT = 8.0
BLOCK_ROWS = 16_384
"""Rows scored at once, so that memory does not grow with them."""


@dataclass(frozen=True)
class Scored:
    """Scores [rows] and what each feature adds [rows, features]; higher is more unusual, in powers of ten."""

    scores: Floats
    surprises: Floats


@dataclass(frozen=True)
class Calibration:
    """Curves from scaled values and from reconstruction errors to surprise, a pair for each scored feature."""

    values: Mapping[int, Tail]
    errors: Mapping[int, Tail]

    @classmethod
    def fit(cls, scaled: Floats, errors: Floats, directions: Sequence[int], scored: Sequence[bool]) -> "Calibration":
        """Fit to scaled features and errors [rows, features] of normal pull requests not used in training."""
        columns = [place for place, counts in enumerate(scored) if counts]
        return cls(
            {place: Tail.fit(outward(scaled[:, place], directions[place])) for place in columns},
            {place: Tail.fit(outward(errors[:, place], directions[place])) for place in columns},
        )

    def surprises(self, scaled: Floats, errors: Floats, directions: Sequence[int]) -> Floats:
        """What each feature adds [rows, features]; 0 for one that isn't scored."""
        out = np.zeros_like(scaled)
        for place, tail in self.values.items():
            own = tail(outward(scaled[:, place], directions[place]))
            error = self.errors[place](outward(errors[:, place], directions[place]))
            out[:, place] = (1 - ERROR_WEIGHT) * own + ERROR_WEIGHT * error
        return out


def outward(values: Floats, direction: int) -> Floats:
    """Turn values so that high ones are the unusual ones."""
    return np.abs(values) if direction == 0 else direction * values


class Model:
    """A loaded artefact."""

    def __init__(self, onnx: bytes, features: dict[str, Any], thresholds: dict[str, Any]) -> None:
        self.names: tuple[str, ...] = tuple(feature["name"] for feature in features["features"])
        self.features = features
        self.thresholds = thresholds
        self._onnx = onnx
        self._directions = [int(feature["direction"]) for feature in features["features"]]
        scales = features["scales"]
        self.scales = Scales(tuple(scales["repositories"]), np.array(scales["middles"]), np.array(scales["spreads"]))
        self._calibration = Calibration(
            {int(place): Tail.from_json(tail) for place, tail in thresholds["values"].items()},
            {int(place): Tail.from_json(tail) for place, tail in thresholds["errors"].items()},
        )

    @cached_property
    def _session(self) -> ort.InferenceSession:
        return session(self._onnx)

    @classmethod
    def load(cls, folder: Path) -> "Model":
        """Load from a folder, after every file has the hash that the manifest names.

        Raises:
            DamagedArtefact: a file is missing or has another hash, or is of another form than this version reads.
        """
        verify(folder)
        onnx, features, thresholds = (find(folder, name).read_bytes() for name in FILES)
        try:
            return cls(onnx, json.loads(features), json.loads(thresholds))
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedArtefact(
                f"The model in {folder} is of another form than this version reads ({error!r}).", advice=AGAIN
            ) from None

    def score(self, features: Floats, repositories: Sequence[str]) -> Scored:
        """Score raw features [rows, features] in the order of `names`."""
        scaled = self.scales.apply(features, repositories)
        surprises = self._calibration.surprises(scaled, scaled - reconstruct(self._session, scaled), self._directions)
        return Scored(total(surprises), surprises)

    @property
    def threshold(self) -> float:
        """The score above which a pull request is unusual, by the alert budget."""
        return float(self.thresholds["threshold"])

    def level(self, score: float) -> str:
        """`standard`, `unusual` (above the threshold) or `high` (above that of a tenth of the budget)."""
        if score <= self.threshold:
            return "standard"
        return "high" if score > float(self.thresholds["high"]) else "unusual"


def total(surprises: Floats) -> Floats:
    """The sum of a row's most surprising features [rows]."""
    most = np.partition(surprises, -MOST_REASONS, axis=1)[:, -MOST_REASONS:]
    scores: Floats = most.sum(axis=1)
    return scores


def session(onnx: bytes) -> ort.InferenceSession:
    """An ONNX session on one thread, which is fastest for a network this small."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])


def reconstruct(network: ort.InferenceSession, scaled: Floats) -> Floats:
    """Each feature as the others predict it [rows, features], a block of rows at a time."""
    inputs: NDArray[np.float32] = np.clip(scaled, -INPUT_LIMIT, INPUT_LIMIT).astype(np.float32)
    name = network.get_inputs()[0].name
    starts = range(0, max(len(inputs), 1), BLOCK_ROWS)
    blocks = [network.run(None, {name: inputs[start : start + BLOCK_ROWS]})[0] for start in starts]
    return np.concatenate(blocks).astype(np.float64)


def write(
    folder: Path, onnx: bytes, features: dict[str, Any], thresholds: dict[str, Any], facts: dict[str, Any]
) -> Model:
    """Write an artefact, its manifest last, and return it loaded."""
    contents = {
        "model.onnx": onnx,
        "features.json": json.dumps(features, indent=1).encode(),
        "thresholds.json": json.dumps(thresholds, indent=1).encode(),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    manifest = {"version": VERSION, "sha256": hashes, **facts}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1))
    return Model.load(folder)


def verify(folder: Path) -> dict[str, Any]:
    """Check every file against the manifest and return it.

    Raises:
        DamagedArtefact: a file or a hash is missing, or a file has another hash.
    """
    try:
        manifest: dict[str, Any] = json.loads(find(folder, MANIFEST).read_bytes())
        named = dict(manifest["sha256"])
    except (ValueError, TypeError, KeyError):
        raise DamagedArtefact(f"The manifest of the model in {folder} can't be read.", advice=AGAIN) from None
    for name in FILES:
        found = hashlib.sha256(find(folder, name).read_bytes()).hexdigest()
        if found != named.get(name):
            raise DamagedArtefact(
                f"{name} of the model in {folder} does not have the hash its manifest names.",
                advice=AGAIN,
            )
    return manifest


def find(folder: Path, name: str) -> Path:
    """A file of the artefact, beside the network or where MLflow puts what belongs to it."""
    for place in (folder / name, folder / "extra_files" / name):
        if place.is_file():
            return place
    raise DamagedArtefact(f"The model in {folder} lacks {name}.", advice=AGAIN)
