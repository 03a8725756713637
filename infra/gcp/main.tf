# One environment on Google Cloud: network, cluster, registry, bucket, accounts, and Argo CD. MongoDB and Vault are yours.
locals {
  name = "prs-${var.environment}"
}

module "cluster" {
  source       = "../modules/gcp/cluster"
  name         = local.name
  project      = var.project
  region       = var.region
  zone         = var.zone
  network      = var.network
  pools        = var.pools
  destroy_data = var.destroy_data
}

module "registry" {
  source  = "../modules/gcp/registry"
  project = var.project
  region  = var.region
  owned   = var.owns_registry
}

module "bucket" {
  source       = "../modules/gcp/bucket"
  name         = "pr-sentinel-${var.environment}-${var.suffix}"
  region       = var.region
  expire       = { staging = 7 }
  destroy_data = var.destroy_data
}

module "identity" {
  source = "../modules/gcp/identity"
  name   = local.name
  bucket = module.bucket.name
}

# One Argo CD manages both environments, so one of them has it.
module "platform" {
  count         = var.has_argo_cd ? 1 : 0
  source        = "../modules/platform"
  chart_version = var.argo_cd_chart
}

# The Gateway's load balancer exists only once Argo CD has synchronised; its address is entered then.
resource "google_dns_record_set" "service" {
  count        = var.gateway_address == "" ? 0 : 1
  managed_zone = var.dns_zone
  name         = "${var.host}.${var.domain}."
  type         = "A"
  ttl          = 300
  rrdatas      = [var.gateway_address]
}

# Destroyed first: if it refuses, nothing else is destroyed.
module "guard" {
  source       = "../modules/guard"
  destroy_data = var.destroy_data
  guards       = local.name

  depends_on = [
    module.cluster, module.registry, module.bucket, module.identity, module.platform, google_dns_record_set.service,
  ]
}
