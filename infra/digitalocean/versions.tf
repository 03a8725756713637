terraform {
  required_version = ">= 1.10"

  required_providers {
    digitalocean = { source = "digitalocean/digitalocean", version = "~> 2.71" }
    helm         = { source = "hashicorp/helm", version = "~> 3.1" }
  }

  # The rest of it is in environments/<environment>.s3.tfbackend.
  backend "s3" {}
}

# The token and the keys of Spaces come from DIGITALOCEAN_TOKEN, SPACES_ACCESS_KEY_ID and SPACES_SECRET_ACCESS_KEY.
provider "digitalocean" {}

provider "helm" {
  kubernetes = {
    host                   = module.cluster.connection.host
    token                  = module.cluster.connection.token
    cluster_ca_certificate = module.cluster.connection.certificate
  }
}
