# A private bucket with versions; Google encrypts all objects at rest with keys of its own.
terraform {
  required_version = ">= 1.10"
  required_providers {
    google = { source = "hashicorp/google", version = "~> 6.50" }
  }
}

resource "google_storage_bucket" "this" {
  # checkov:skip=CKV_GCP_62: no access logs; Cloud Audit Logs has data access where it is wanted
  name                        = var.name
  location                    = var.region
  force_destroy               = var.destroy_data
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  versioning {
    enabled = true
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      days_since_noncurrent_time = 30
    }
  }

  dynamic "lifecycle_rule" {
    for_each = var.expire
    content {
      action {
        type = "Delete"
      }

      condition {
        age            = lifecycle_rule.value
        matches_prefix = ["${lifecycle_rule.key}/"]
      }
    }
  }
}

variable "name" {
  type        = string
  description = "Name of the bucket, unique in the world."
}

variable "region" {
  type        = string
  description = "Region, for example europe-west3."
}

variable "expire" {
  type        = map(number)
  description = "Days after which objects below a folder are deleted."
}

variable "destroy_data" {
  type        = bool
  description = "Whether the bucket may be destroyed with objects in it."
}

output "name" {
  value       = google_storage_bucket.this.name
  description = "Name of the bucket."
}
