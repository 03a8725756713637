# A repository for each image; tags can't be moved. An account has one set, so one environment owns them.
terraform {
  required_version = ">= 1.10"
  required_providers {
    aws = { source = "hashicorp/aws", version = "~> 6.25" }
  }
}

data "aws_caller_identity" "this" {}

data "aws_region" "this" {}

resource "aws_ecr_repository" "this" {
  # checkov:skip=CKV_AWS_136: images are not secret, and are encrypted with the service's own key
  for_each             = toset(var.owned ? ["fetch", "preprocess", "train", "register", "monitor", "checks", "serve"] : [])
  name                 = "pr-sentinel/${each.key}"
  image_tag_mutability = "IMMUTABLE"
  force_delete         = var.destroy_data

  image_scanning_configuration {
    scan_on_push = true
  }
}

variable "owned" {
  type        = bool
  description = "Whether this environment makes the repositories; otherwise they must exist."
}

variable "destroy_data" {
  type        = bool
  description = "Whether repositories may be destroyed with images in them."
}

output "url" {
  value       = "${data.aws_caller_identity.this.account_id}.dkr.ecr.${data.aws_region.this.region}.amazonaws.com"
  description = "URL of the registry."
}
