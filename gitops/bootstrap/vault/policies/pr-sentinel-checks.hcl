# The checks may read their own secrets.
path "secret/data/pr-sentinel/checks" {
  capabilities = ["read"]
}
