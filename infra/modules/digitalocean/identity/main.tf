# A key of Spaces for each step that uses the store. Spaces grants rights on whole buckets, not on folders.
terraform {
  required_version = ">= 1.10"
  required_providers {
    digitalocean = { source = "digitalocean/digitalocean", version = "~> 2.71" }
  }
}

locals {
  access = jsondecode(file("${path.module}/../../../access.json"))
  writes = { for step, rights in local.access : step => length(concat(rights.write, rights.delete)) > 0 }
}

resource "digitalocean_spaces_key" "step" {
  for_each = local.writes
  name     = "${var.name}-${each.key}"

  grant {
    bucket     = var.bucket
    permission = each.value ? "readwrite" : "read"
  }
}

variable "name" {
  type        = string
  description = "Beginning of the keys' names."
}

variable "bucket" {
  type        = string
  description = "Name of the store's bucket."
}

output "keys" {
  value = {
    for step, key in digitalocean_spaces_key.step : step => {
      s3_access_key_id     = key.access_key
      s3_secret_access_key = key.secret_key
    }
  }
  sensitive   = true
  description = "The keys by step, under the names of the steps' settings."
}
