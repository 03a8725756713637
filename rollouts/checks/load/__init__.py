"""The load test of the service and its limits."""
