# The preprocess step may read its own secrets.
path "secret/data/pr-sentinel/preprocess" {
  capabilities = ["read"]
}
