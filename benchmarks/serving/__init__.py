"""Parts of the service benchmark: a client and the alternative servers."""
