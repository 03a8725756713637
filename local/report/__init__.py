"""The report on a run, for the terminal and as an HTML page."""
