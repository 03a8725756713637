"""Packaging: the code that goes into an image or a Bento, and Bentos as archives."""
