output "cluster_settings" {
  value = {
    ENVIRONMENT     = var.environment
    PRIVATE_NETWORK = module.cluster.network.cidr
    REGISTRY        = "registry.digitalocean.com/${module.registry.name}"
    PULL_SECRET     = module.registry.name
    HOSTNAME        = "${var.host}.${var.domain}"
    STORE_URL       = "s3://${module.bucket.name}"
    S3_ENDPOINT_URL = "https://${var.region}.digitaloceanspaces.com"
    VAULT_ADDR      = var.vault_address
  }
  description = "What the cluster's overlay needs; make cluster-settings writes it there."
}

output "secrets" {
  value = {
    for step in ["fetch", "preprocess", "train", "register", "monitor", "serve", "checks"] : step => merge(
      contains(keys(module.mongodb.uris), step) ? { mongo_uri = module.mongodb.uris[step] } : {},
      lookup(module.identity.keys, step, {}),
    )
  }
  sensitive   = true
  description = "Each step's secrets, in the form that gitops/bootstrap/vault/apply.py --secrets reads."
}
