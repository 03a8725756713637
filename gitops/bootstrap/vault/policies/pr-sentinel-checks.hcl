# What the checks may do in Vault: read their own secrets.
path "secret/data/pr-sentinel/checks" {
  capabilities = ["read"]
}
