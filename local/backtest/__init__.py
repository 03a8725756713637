"""The backtest: what would have been flagged among a repository's latest pull requests."""
