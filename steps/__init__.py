"""The steps of the pipeline; each runs as its own image and shares only `steps.common`."""
