"""train: from a dataset to a measured model in MLflow."""
