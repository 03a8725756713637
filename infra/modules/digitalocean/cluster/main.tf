# A private network and a cluster in it: one pool for all that always runs, one for Spark that is empty by day.
terraform {
  required_version = ">= 1.10"
  required_providers {
    digitalocean = { source = "digitalocean/digitalocean", version = "~> 2.71" }
  }
}

resource "digitalocean_vpc" "this" {
  name     = var.name
  region   = var.region
  ip_range = var.network
}

data "digitalocean_kubernetes_versions" "this" {
  version_prefix = "${var.kubernetes_version}."
}

resource "digitalocean_kubernetes_cluster" "this" {
  name                 = var.name
  region               = var.region
  version              = data.digitalocean_kubernetes_versions.this.latest_version
  vpc_uuid             = digitalocean_vpc.this.id
  ha                   = var.highly_available
  auto_upgrade         = true
  surge_upgrade        = true
  registry_integration = var.registry != ""
  tags                 = [var.name]
  # Load balancers and volumes that Kubernetes made would otherwise stay, and cost money.
  destroy_all_associated_resources = true

  maintenance_policy {
    day        = "sunday"
    start_time = "05:00"
  }

  control_plane_firewall {
    enabled           = true
    allowed_addresses = var.administrators
  }

  node_pool {
    name       = "services"
    size       = var.services.size
    auto_scale = true
    min_nodes  = var.services.min
    max_nodes  = var.services.max
    labels     = { "pr-sentinel/pool" = "services" }
  }

  lifecycle {
    # Minor versions come with the maintenance; a new prefix is an upgrade.
    ignore_changes = [version]
  }
}

resource "digitalocean_kubernetes_node_pool" "spark" {
  cluster_id = digitalocean_kubernetes_cluster.this.id
  name       = "spark"
  size       = var.spark.size
  auto_scale = true
  min_nodes  = 0
  max_nodes  = var.spark.max
  labels     = { "pr-sentinel/pool" = "spark" }

  taint {
    key    = "pr-sentinel/pool"
    value  = "spark"
    effect = "NoSchedule"
  }
}
