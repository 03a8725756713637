# What train may do in Vault: read its own secrets.
path "secret/data/pr-sentinel/train" {
  capabilities = ["read"]
}
