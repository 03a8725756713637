"""The pipeline as an Argo WorkflowTemplate and CronWorkflow, authored with Hera and rendered to YAML."""
