# The monitor step may read its own secrets.
path "secret/data/pr-sentinel/monitor" {
  capabilities = ["read"]
}
