"""fetch: from GitHub into MongoDB."""
