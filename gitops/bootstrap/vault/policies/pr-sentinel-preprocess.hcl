# What preprocess may do in Vault: read its own secrets.
path "secret/data/pr-sentinel/preprocess" {
  capabilities = ["read"]
}
