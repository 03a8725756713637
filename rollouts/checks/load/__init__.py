"""The service under load, and whether it was good enough."""
