"""What a candidate has to pass on the preview before anybody may promote it, and how two versions compare.

Each check is a function from figures to a verdict, with what asks for the figures beside it.
"""
