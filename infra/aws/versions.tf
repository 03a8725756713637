terraform {
  required_version = ">= 1.10"

  required_providers {
    aws  = { source = "hashicorp/aws", version = "~> 6.25" }
    helm = { source = "hashicorp/helm", version = "~> 3.1" }
  }

  # The rest of it is in environments/<environment>.s3.tfbackend.
  backend "s3" {}
}

provider "aws" {
  region = var.region

  default_tags {
    tags = { project = "pr-sentinel", environment = var.environment }
  }
}

data "aws_eks_cluster_auth" "this" {
  name = module.cluster.name
}

provider "helm" {
  kubernetes = {
    host                   = module.cluster.connection.host
    token                  = data.aws_eks_cluster_auth.this.token
    cluster_ca_certificate = module.cluster.connection.certificate
  }
}
