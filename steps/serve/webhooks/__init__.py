"""Webhooks: deliveries from GitHub, from the receiver through the queue to the worker and its notifications."""
