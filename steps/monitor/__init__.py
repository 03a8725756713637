"""monitor: compares recent pull requests with those that the champion knows, and requests a training if they differ."""
