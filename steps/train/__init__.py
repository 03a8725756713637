"""train: from a dataset to a measured model in MLflow."""

import os

# onnxruntime tells its maker of every start, from the moment it is imported, unless this is set by then.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
