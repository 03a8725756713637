"""Accounts, clusters, buckets and identities in three clouds, as OpenTofu and Terraform read them; and their checks."""
