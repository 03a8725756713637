# What the service may do in Vault: read its own secrets.
path "secret/data/pr-sentinel/serve" {
  capabilities = ["read"]
}
