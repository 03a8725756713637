# The fetch step may read its own secrets.
path "secret/data/pr-sentinel/fetch" {
  capabilities = ["read"]
}
