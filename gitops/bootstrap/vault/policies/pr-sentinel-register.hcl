# What register may do in Vault: read its own secrets.
path "secret/data/pr-sentinel/register" {
  capabilities = ["read"]
}
