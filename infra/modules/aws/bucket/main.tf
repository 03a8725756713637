# A private bucket with versions, encrypted with a key of its own.
terraform {
  required_version = ">= 1.10"
  required_providers {
    aws = { source = "hashicorp/aws", version = "~> 6.25" }
  }
}

resource "aws_kms_key" "this" {
  # checkov:skip=CKV2_AWS_64: the default policy leaves rights to IAM, where identity/ grants them
  description             = "Store of ${var.name}"
  enable_key_rotation     = true
  deletion_window_in_days = 30
}

resource "aws_s3_bucket" "this" {
  # checkov:skip=CKV_AWS_18: no access logs; CloudTrail has data events where they are wanted
  # checkov:skip=CKV_AWS_144: one region; what is lost with it is stated in docs/cloud.md
  # checkov:skip=CKV2_AWS_62: nothing listens to events of this bucket
  bucket        = var.name
  force_destroy = var.destroy_data
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket                  = aws_s3_bucket.this.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "this" {
  bucket = aws_s3_bucket.this.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.this.arn
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    id     = "old-versions"
    status = "Enabled"
    filter {}

    noncurrent_version_expiration {
      noncurrent_days = 30
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  dynamic "rule" {
    for_each = var.expire
    content {
      id     = "expire-${rule.key}"
      status = "Enabled"

      filter {
        prefix = "${rule.key}/"
      }

      expiration {
        days = rule.value
      }

      abort_incomplete_multipart_upload {
        days_after_initiation = 1
      }
    }
  }
}

variable "name" {
  type        = string
  description = "Name of the bucket, unique in the world."
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
  value       = aws_s3_bucket.this.id
  description = "Name of the bucket."
}

output "arn" {
  value       = aws_s3_bucket.this.arn
  description = "ARN of the bucket."
}

output "key_arn" {
  value       = aws_kms_key.this.arn
  description = "ARN of the key that encrypts it."
}
