# The registry of images; tags cannot be moved. A project has one for both environments, so one of them owns it.
terraform {
  required_version = ">= 1.10"
  required_providers {
    google = { source = "hashicorp/google", version = "~> 6.50" }
  }
}

resource "google_artifact_registry_repository" "this" {
  # checkov:skip=CKV_GCP_84: images are not secret, and are encrypted with Google's own key
  count         = var.owned ? 1 : 0
  repository_id = "pr-sentinel"
  location      = var.region
  format        = "DOCKER"

  docker_config {
    immutable_tags = true
  }
}

variable "region" {
  type        = string
  description = "Region, for example europe-west3."
}

variable "owned" {
  type        = bool
  description = "Whether this environment makes the registry; otherwise it must exist."
}

variable "project" {
  type        = string
  description = "Id of the project."
}

output "url" {
  value       = "${var.region}-docker.pkg.dev/${var.project}/pr-sentinel"
  description = "URL of the registry."
}
