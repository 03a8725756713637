# A service account for each identity of access.json, with rights on its folders, and a key of the S3-compatible interface,
# which knows no other credentials. The keys are for Vault; pods get none.
terraform {
  required_version = ">= 1.10"
  required_providers {
    google = { source = "hashicorp/google", version = "~> 6.50" }
  }
}

locals {
  access = jsondecode(file("${path.module}/../../../access.json"))

  # Overwriting an object needs the right to delete it, so whoever writes may delete too.
  grants = merge([
    for name, rights in local.access : {
      for folder in distinct(concat(rights.read, rights.write, rights.delete)) : "${name}-${folder}" => {
        name   = name
        folder = folder
        role   = contains(concat(rights.write, rights.delete), folder) ? "roles/storage.objectUser" : "roles/storage.objectViewer"
      }
    }
  ]...)
  readers = toset([for name, rights in local.access : name if length(rights.read) > 0])
}

resource "google_service_account" "this" {
  for_each   = local.access
  account_id = "${var.name}-${each.key}"
}

resource "google_storage_bucket_iam_member" "folder" {
  for_each = local.grants
  bucket   = var.bucket
  role     = each.value.role
  member   = "serviceAccount:${google_service_account.this[each.value.name].email}"

  condition {
    title      = each.value.folder
    expression = "resource.name.startsWith(\"projects/_/buckets/${var.bucket}/objects/${each.value.folder}/\")"
  }
}

# Without the right to list, a missing object is refused instead of missing.
resource "google_storage_bucket_iam_member" "list" {
  for_each = local.readers
  bucket   = var.bucket
  role     = "roles/storage.legacyBucketReader"
  member   = "serviceAccount:${google_service_account.this[each.key].email}"
}

resource "google_storage_hmac_key" "this" {
  for_each              = google_service_account.this
  service_account_email = each.value.email
}

variable "name" {
  type        = string
  description = "Beginning of the accounts' names, at most 19 characters."
}

variable "bucket" {
  type        = string
  description = "Name of the store's bucket."
}

output "keys" {
  value = {
    for name, key in google_storage_hmac_key.this : name => {
      s3_access_key_id     = key.access_id
      s3_secret_access_key = key.secret
    }
  }
  sensitive   = true
  description = "The keys by step, under the names of the steps' settings."
}
