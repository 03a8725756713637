"""What running on a cluster costs, and what it gains: see `__main__`."""
