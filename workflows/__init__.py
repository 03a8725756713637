"""The pipeline as a workflow: drawn in Hera, rendered to YAML, run by Argo Workflows or on one machine."""
