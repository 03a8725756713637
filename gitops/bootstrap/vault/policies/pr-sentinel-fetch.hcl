# What fetch may do in Vault: read its own secrets.
path "secret/data/pr-sentinel/fetch" {
  capabilities = ["read"]
}
