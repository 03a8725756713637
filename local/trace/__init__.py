"""The line from a pull request's alert back to data, model, run and code."""
