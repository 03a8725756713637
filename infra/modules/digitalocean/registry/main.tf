# The registry of images. An account has one, so one environment owns it and the other reads it. The plan below this one has
# five repositories and five GiB, fewer than there are images.
terraform {
  required_version = ">= 1.10"
  required_providers {
    digitalocean = { source = "digitalocean/digitalocean", version = "~> 2.71" }
  }
}

resource "digitalocean_container_registry" "this" {
  count                  = var.owned ? 1 : 0
  name                   = var.name
  region                 = var.region
  subscription_tier_slug = "professional"
}

data "digitalocean_container_registry" "this" {
  count = var.owned ? 0 : 1
  name  = var.name
}

variable "name" {
  type        = string
  description = "Name of the registry."
}

variable "region" {
  type        = string
  description = "Region, for example fra1."
}

variable "owned" {
  type        = bool
  description = "Whether this environment makes the registry; otherwise it must exist."
}

output "name" {
  value       = var.name
  description = "Name of the registry; DOKS gives its pull secret the same name."
  depends_on  = [digitalocean_container_registry.this, data.digitalocean_container_registry.this]
}
