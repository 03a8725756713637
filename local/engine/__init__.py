"""The local engine: runs the rendered WorkflowTemplate, each task as a subprocess."""
