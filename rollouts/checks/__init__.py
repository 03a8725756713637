"""The checks that a candidate must pass on the preview before it can be promoted, and the comparison of two versions.

Each check is a pure function from figures to a verdict, next to the code that collects the figures.
"""
