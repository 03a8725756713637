"""Packaging: which code goes into an image or a Bento, and Bentos as files."""
