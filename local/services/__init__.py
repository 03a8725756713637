"""The services of a local run: embedded MongoDB, the sample GitHub, MLflow and Java."""
