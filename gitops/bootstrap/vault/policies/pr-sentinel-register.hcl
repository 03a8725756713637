# The register step may read its own secrets.
path "secret/data/pr-sentinel/register" {
  capabilities = ["read"]
}
