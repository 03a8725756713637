"""Checks of the modules and roots that need no account and no provider."""
