# Who may do what with the store, from the one table, as IAM policies; and which service account may be whom. It has no
# resources and needs no provider, so it is applied for real in a test.
terraform {
  required_version = ">= 1.10"
}

locals {
  access = jsondecode(file("${path.module}/../../../access.json"))

  policies = {
    for name, rights in local.access : name => {
      Version = "2012-10-17"
      Statement = [
        for statement in [
          # Without the right to list, a missing object is refused (403) instead of missing (404).
          {
            Sid      = "List"
            Action   = ["s3:ListBucket"]
            Resource = [for folder in slice(concat(rights.read, [""]), 0, 1) : var.bucket_arn if folder != ""]
          },
          {
            Sid      = "Read"
            Action   = ["s3:GetObject"]
            Resource = [for folder in rights.read : "${var.bucket_arn}/${folder}/*"]
          },
          {
            Sid      = "Write"
            Action   = ["s3:PutObject", "s3:AbortMultipartUpload"]
            Resource = [for folder in rights.write : "${var.bucket_arn}/${folder}/*"]
          },
          {
            Sid      = "Delete"
            Action   = ["s3:DeleteObject"]
            Resource = [for folder in rights.delete : "${var.bucket_arn}/${folder}/*"]
          },
          {
            Sid      = "Decrypt"
            Action   = ["kms:Decrypt"]
            Resource = [var.key_arn]
          },
          {
            Sid      = "Encrypt"
            Action   = ["kms:GenerateDataKey"]
            Resource = [for folder in slice(concat(rights.write, [""]), 0, 1) : var.key_arn if folder != ""]
          },
        ] : merge(statement, { Effect = "Allow" }) if length(statement.Resource) > 0
      ]
    }
  }

  # Steps are service accounts of the cluster; the release is a workflow of one repository, on its main branch.
  subjects = {
    for name in keys(local.access) : name => name == "release" ? {
      provider = "token.actions.githubusercontent.com"
      subject  = "repo:${var.repository}:ref:refs/heads/main"
      } : {
      provider = var.issuer
      subject  = "system:serviceaccount:pr-sentinel:pr-sentinel-${name}"
    }
  }

  trusts = {
    for name, who in local.subjects : name => {
      Version = "2012-10-17"
      Statement = [{
        Effect    = "Allow"
        Action    = "sts:AssumeRoleWithWebIdentity"
        Principal = { Federated = "arn:aws:iam::${var.account}:oidc-provider/${who.provider}" }
        Condition = { StringEquals = {
          "${who.provider}:sub" = who.subject
          "${who.provider}:aud" = "sts.amazonaws.com"
        } }
      }]
    }
  }
}

variable "bucket_arn" {
  type        = string
  description = "ARN of the store's bucket."
}

variable "key_arn" {
  type        = string
  description = "ARN of the key that encrypts it."
}

variable "account" {
  type        = string
  description = "Number of the account."
}

variable "issuer" {
  type        = string
  description = "The cluster's issuer of tokens, without https://."
}

variable "repository" {
  type        = string
  description = "owner/name of the repository on GitHub whose workflow builds the service's image."
}

output "policies" {
  value       = { for name, policy in local.policies : name => jsonencode(policy) }
  description = "What each identity may do."
}

output "trusts" {
  value       = { for name, trust in local.trusts : name => jsonencode(trust) }
  description = "Who may take each identity."
}
