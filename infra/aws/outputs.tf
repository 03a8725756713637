output "cluster_settings" {
  value = {
    ENVIRONMENT        = var.environment
    PRIVATE_NETWORK    = module.cluster.network.cidr
    CLUSTER_DNS        = module.cluster.dns
    REGISTRY           = module.registry.url
    HOSTNAME           = "${var.host}.${var.domain}"
    STORE_URL          = "s3://${module.bucket.name}"
    AWS_DEFAULT_REGION = var.region
    VAULT_ADDR         = var.vault_address
    ROLE_PREPROCESS    = module.identity.roles["preprocess"]
    ROLE_EXECUTOR      = module.identity.roles["executor"]
    ROLE_TRAIN         = module.identity.roles["train"]
    ROLE_REGISTER      = module.identity.roles["register"]
    ROLE_MONITOR       = module.identity.roles["monitor"]
  }
  description = "What the cluster's overlay needs; make cluster-settings writes it there."
}

output "release_role" {
  value       = module.identity.roles["release"]
  description = "The role of the workflow that builds the service's image."
}

# Only MongoDB's, which is yours, and GitHub's remain: steps reach the store by their roles.
output "secrets" {
  value       = { for step in ["fetch", "preprocess", "train", "register", "monitor", "serve", "checks"] : step => {} }
  description = "Each step's secrets, in the form that gitops/bootstrap/vault/apply.py --secrets reads."
}
