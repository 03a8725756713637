"""A typical hand-written service: Flask, features in pandas, and `predict` of a Keras network for each request.

`python -m benchmarks.serving.usual FILE` writes such a network with its initial weights.
"""

import os
import sys
from typing import Any

import keras
import numpy as np
import pandas as pd
from flask import Flask, jsonify, request

from steps.scoring.features import NAMES
from steps.train.autoencoder import HIDDEN, LATENT

COUNTS = ("additions", "deletions", "changed_files", "commits")
THRESHOLD = 1.0

app = Flask(__name__)


def build_network() -> Any:
    """Build a network with the model's layers."""
    sizes = (HIDDEN, LATENT, HIDDEN)
    layers = [keras.layers.Dense(units, "tanh") for units in sizes]
    return keras.Sequential([keras.Input((len(NAMES),)), *layers, keras.layers.Dense(len(NAMES))])


def build_features(pulls: list[dict[str, Any]]) -> pd.DataFrame:
    """Build the third of the features that need no history; the others are 0."""
    frame = pd.DataFrame([{name: pull[name] for name in (*COUNTS, "title", "body")} for pull in pulls])
    lines = frame["additions"] + frame["deletions"]
    out = pd.DataFrame(index=frame.index)
    out["log_lines"] = np.log1p(lines)
    out["log_files"] = np.log1p(frame["changed_files"])
    out["net_direction"] = (frame["additions"] - frame["deletions"]) / (lines + 10)
    out["lines_per_file"] = np.log1p(lines) - np.log1p(frame["changed_files"])
    out["lines_per_commit"] = np.log1p(lines) - np.log1p(frame["commits"])
    out["title_words"] = np.log1p(frame["title"].str.split().str.len())
    out["body_length"] = np.log1p(frame["body"].fillna("").str.len())
    out["web_editor_title"] = frame["title"].str.match(r"^(Update|Create|Delete|Rename) \S+$").astype(float)
    return out.reindex(columns=list(NAMES), fill_value=0.0)


model = keras.models.load_model(os.environ["USUAL_MODEL"]) if "USUAL_MODEL" in os.environ else build_network()


@app.post("/score")
def score() -> Any:
    """Score pull requests."""
    pulls = request.get_json()["pull_requests"]
    given = build_features(pulls).to_numpy(np.float32)
    errors = ((model.predict(given, verbose=0) - given) ** 2).mean(axis=1)
    results = [
        {"number": pull["number"], "score": float(error), "unusual": bool(error > THRESHOLD)}
        for pull, error in zip(pulls, errors, strict=True)
    ]
    return jsonify({"results": results})


if __name__ == "__main__":
    model.save(sys.argv[1])
