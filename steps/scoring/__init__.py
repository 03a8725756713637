"""Scoring: what training and serving share, from features and histories to the model artefact and its reasons."""

import os

# onnxruntime reports every start to its maker from the moment it is imported, unless this is set by then.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
