"""The backtest: the pull requests of a repository that the model would have flagged."""
