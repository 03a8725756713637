"""PR Sentinel on one machine: the command line, the workflow engine, embedded services, reports and backtests."""

import os

# Read by mlflow on import.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
