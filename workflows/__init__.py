"""The pipeline as a workflow: drawn in Hera, rendered to YAML, run by Argo Workflows or on one machine."""

import os

# Read when mlflow is imported.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
