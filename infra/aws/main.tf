# One environment on AWS: network, cluster, registry, bucket, roles, and Argo CD. MongoDB and Vault are yours.
locals {
  name = "pr-sentinel-${var.environment}"
}

module "cluster" {
  source             = "../modules/aws/cluster"
  name               = local.name
  network            = var.network
  zones              = var.zones
  kubernetes_version = var.kubernetes_version
}

module "registry" {
  source       = "../modules/aws/registry"
  owned        = var.owns_account
  destroy_data = var.destroy_data
}

module "bucket" {
  source       = "../modules/aws/bucket"
  name         = "${local.name}-${var.suffix}"
  expire       = { staging = 7 }
  destroy_data = var.destroy_data
}

module "identity" {
  source      = "../modules/aws/identity"
  name        = local.name
  bucket_arn  = module.bucket.arn
  key_arn     = module.bucket.key_arn
  issuer      = module.cluster.issuer
  repository  = var.repository
  owns_github = var.owns_account
}

# One Argo CD manages both environments, so one of them has it.
module "platform" {
  count         = var.has_argo_cd ? 1 : 0
  source        = "../modules/platform"
  chart_version = var.argo_cd_chart
}

data "aws_route53_zone" "this" {
  name = var.domain
}

# The Gateway's load balancer exists only once Argo CD has synchronised; its name is entered then.
resource "aws_route53_record" "service" {
  # checkov:skip=CKV2_AWS_23: it names the Gateway's load balancer, which Kubernetes makes
  count   = var.gateway_name == "" ? 0 : 1
  zone_id = data.aws_route53_zone.this.zone_id
  name    = "${var.host}.${var.domain}"
  type    = "CNAME"
  ttl     = 300
  records = [var.gateway_name]
}

# Destroyed first: if it refuses, nothing else is destroyed.
module "guard" {
  source       = "../modules/guard"
  destroy_data = var.destroy_data
  guards       = local.name

  depends_on = [
    module.cluster, module.registry, module.bucket, module.identity, module.platform, aws_route53_record.service,
  ]
}
