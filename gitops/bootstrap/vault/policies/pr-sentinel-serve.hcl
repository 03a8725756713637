# The service may read its own secrets.
path "secret/data/pr-sentinel/serve" {
  capabilities = ["read"]
}
