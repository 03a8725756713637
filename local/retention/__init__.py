"""The command that lists what is older than it is kept."""
