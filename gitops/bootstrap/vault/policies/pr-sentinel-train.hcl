# The train step may read its own secrets.
path "secret/data/pr-sentinel/train" {
  capabilities = ["read"]
}
