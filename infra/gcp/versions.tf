terraform {
  required_version = ">= 1.10"

  required_providers {
    google = { source = "hashicorp/google", version = "~> 6.50" }
    helm   = { source = "hashicorp/helm", version = "~> 3.1" }
  }

  # The rest of it is in environments/<environment>.gcs.tfbackend; Google locks and encrypts it.
  backend "gcs" {}
}

provider "google" {
  project = var.project
  region  = var.region
}

data "google_client_config" "this" {}

provider "helm" {
  kubernetes = {
    host                   = module.cluster.connection.host
    token                  = data.google_client_config.this.access_token
    cluster_ca_certificate = module.cluster.connection.certificate
  }
}
