# One environment on DigitalOcean: network, cluster, registry, bucket, database, keys, and Argo CD.
locals {
  name = "pr-sentinel-${var.environment}"
}

module "cluster" {
  source             = "../modules/digitalocean/cluster"
  name               = local.name
  region             = var.region
  network            = var.network
  kubernetes_version = var.kubernetes_version
  highly_available   = var.highly_available
  registry           = module.registry.name
  administrators     = var.administrators
  services           = var.services
  spark              = var.spark
}

module "registry" {
  source = "../modules/digitalocean/registry"
  name   = var.registry.name
  region = var.region
  owned  = var.registry.owned
}

module "bucket" {
  source       = "../modules/digitalocean/bucket"
  name         = "${local.name}-${var.suffix}"
  region       = var.region
  expire       = { staging = 7 }
  destroy_data = var.destroy_data
}

module "mongodb" {
  source     = "../modules/digitalocean/mongodb"
  name       = local.name
  region     = var.region
  size       = var.mongodb.size
  nodes      = var.mongodb.nodes
  network_id = module.cluster.network.id
  cluster_id = module.cluster.id
}

module "identity" {
  source = "../modules/digitalocean/identity"
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
resource "digitalocean_record" "service" {
  count  = var.gateway_address == "" ? 0 : 1
  domain = var.domain
  type   = "A"
  name   = var.host
  value  = var.gateway_address
  ttl    = 300
}

# Destroyed first: if it refuses, nothing else is destroyed.
module "guard" {
  source       = "../modules/guard"
  destroy_data = var.destroy_data
  guards       = local.name

  depends_on = [
    module.cluster, module.registry, module.bucket, module.mongodb, module.identity, module.platform,
    digitalocean_record.service,
  ]
}
