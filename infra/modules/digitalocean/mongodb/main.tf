# A managed MongoDB that only the cluster reaches, over the private network.
terraform {
  required_version = ">= 1.10"
  required_providers {
    digitalocean = { source = "digitalocean/digitalocean", version = "~> 2.71" }
  }
}

resource "digitalocean_database_cluster" "this" {
  name                 = var.name
  engine               = "mongodb"
  version              = "8"
  region               = var.region
  size                 = var.size
  node_count           = var.nodes
  private_network_uuid = var.network_id

  maintenance_window {
    day  = "sunday"
    hour = "06:00:00"
  }
}

resource "digitalocean_database_firewall" "this" {
  cluster_id = digitalocean_database_cluster.this.id

  rule {
    type  = "k8s"
    value = var.cluster_id
  }
}

resource "digitalocean_database_db" "this" {
  cluster_id = digitalocean_database_cluster.this.id
  name       = "pr_sentinel"
}

resource "digitalocean_database_user" "step" {
  for_each   = toset(["fetch", "preprocess", "monitor", "serve", "checks"])
  cluster_id = digitalocean_database_cluster.this.id
  name       = each.key
}

variable "name" {
  type        = string
  description = "Name of the database cluster."
}

variable "region" {
  type        = string
  description = "Region, for example fra1."
}

variable "size" {
  type        = string
  description = "Size of a node, for example db-s-1vcpu-2gb."
}

variable "nodes" {
  type        = number
  description = "Number of nodes: 1, or 3 that survive the loss of one."
}

variable "network_id" {
  type        = string
  description = "Id of the private network."
}

variable "cluster_id" {
  type        = string
  description = "Id of the cluster whose pods may connect."
}

output "uris" {
  value = {
    for step, user in digitalocean_database_user.step : step => format(
      "mongodb+srv://%s:%s@%s/?authSource=admin&tls=true",
      user.name, urlencode(user.password), digitalocean_database_cluster.this.private_host
    )
  }
  sensitive   = true
  description = "Connection strings by step."
}

output "id" {
  value       = digitalocean_database_cluster.this.id
  description = "Id of the database cluster."
}
