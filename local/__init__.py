"""PR Sentinel on one machine: the command line, the workflow engine, embedded services, reports and backtests."""

import os

# mlflow reads it when it is imported.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
