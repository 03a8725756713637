"""The costs and benefits of running on a cluster: see `__main__`."""
