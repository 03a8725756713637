"""Scoring: what training and serving share, from features and histories to the model artefact and its reasons."""
