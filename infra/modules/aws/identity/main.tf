# A role for each identity of access.json. Pods get it by their service account's token (IRSA), workflows by GitHub's.
terraform {
  required_version = ">= 1.10"
  required_providers {
    aws = { source = "hashicorp/aws", version = "~> 6.25" }
  }
}

data "aws_caller_identity" "this" {}

module "policies" {
  source     = "../policies"
  bucket_arn = var.bucket_arn
  key_arn    = var.key_arn
  account    = data.aws_caller_identity.this.account_id
  issuer     = trimprefix(var.issuer, "https://")
  repository = var.repository
}

resource "aws_iam_openid_connect_provider" "cluster" {
  url            = var.issuer
  client_id_list = ["sts.amazonaws.com"]
}

# An account has one for GitHub, so one environment owns it.
resource "aws_iam_openid_connect_provider" "github" {
  count          = var.owns_github ? 1 : 0
  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
}

resource "aws_iam_role" "this" {
  for_each           = module.policies.trusts
  name               = "${var.name}-${each.key}"
  assume_role_policy = each.value
}

resource "aws_iam_role_policy" "this" {
  for_each = module.policies.policies
  name     = "store"
  role     = aws_iam_role.this[each.key].id
  policy   = each.value
}

variable "name" {
  type        = string
  description = "Beginning of the roles' names."
}

variable "bucket_arn" {
  type        = string
  description = "ARN of the store's bucket."
}

variable "key_arn" {
  type        = string
  description = "ARN of the key that encrypts it."
}

variable "issuer" {
  type        = string
  description = "The cluster's issuer of tokens, as a URL."
}

variable "repository" {
  type        = string
  description = "owner/name of the repository on GitHub whose workflow builds the service's image."
}

variable "owns_github" {
  type        = bool
  description = "Whether this environment makes the account's provider for GitHub's tokens."
}

output "roles" {
  value       = { for name, role in aws_iam_role.this : name => role.arn }
  description = "ARN of each role."
}
