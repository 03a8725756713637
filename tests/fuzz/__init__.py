"""Fuzzing: bytes for whatever reads what strangers send."""
