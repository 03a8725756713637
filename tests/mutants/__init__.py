"""Mutation testing of what decides: each small change of its code must make a test fail."""
