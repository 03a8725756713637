# A private bucket with versions. Spaces encrypts all objects at rest; there is nothing to switch on.
terraform {
  required_version = ">= 1.10"
  required_providers {
    digitalocean = { source = "digitalocean/digitalocean", version = "~> 2.71" }
  }
}

resource "digitalocean_spaces_bucket" "this" {
  name          = var.name
  region        = var.region
  acl           = "private"
  force_destroy = var.destroy_data

  versioning {
    enabled = true
  }

  lifecycle_rule {
    id                                     = "old-versions"
    enabled                                = true
    abort_incomplete_multipart_upload_days = 1

    noncurrent_version_expiration {
      days = 30
    }
  }

  dynamic "lifecycle_rule" {
    for_each = var.expire
    content {
      id      = "expire-${lifecycle_rule.key}"
      enabled = true
      prefix  = "${lifecycle_rule.key}/"

      expiration {
        days = lifecycle_rule.value
      }
    }
  }
}

variable "name" {
  type        = string
  description = "Name of the bucket, unique in the region."
}

variable "region" {
  type        = string
  description = "Region, for example fra1."
}

variable "expire" {
  type        = map(number)
  default     = {}
  description = "Days after which objects below a folder are deleted."
}

variable "destroy_data" {
  type        = bool
  description = "Whether the bucket may be destroyed with objects in it."
}

output "name" {
  value       = digitalocean_spaces_bucket.this.name
  description = "Name of the bucket."
}
