"""Webhooks: deliveries from GitHub, from the receiver over the queue to the worker and its notifications."""
