"""A release's way from staging to production and back: what Git, the clusters and the registry have to agree on."""
