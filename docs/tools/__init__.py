"""Writes the reference pages from the code, and prepares the pages of `docs/` for the site."""
