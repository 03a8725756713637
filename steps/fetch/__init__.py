"""The step fetch: pull requests from GitHub are stored in MongoDB."""
