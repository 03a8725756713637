"""serve: scores pull requests while they are open, and says why."""
