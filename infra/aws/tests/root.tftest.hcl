# With mocks of the providers, for each environment: tofu test -var-file=environments/staging.tfvars
mock_provider "aws" {
  mock_resource "aws_eks_cluster" {
    defaults = {
      endpoint              = "https://cluster.example.com"
      certificate_authority = [{ data = "Y2VydGlmaWNhdGU=" }]
      identity              = [{ oidc = [{ issuer = "https://oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLE" }] }]
    }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/test" }
  }

  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-central-1:123456789012:key/1" }
  }

  mock_data "aws_region" {
    defaults = { region = "eu-central-1" }
  }

  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
}

mock_provider "helm" {}

# The flag is set because the guard, which no mock replaces, would refuse to end the test.
run "environment" {
  variables {
    destroy_data = true
    gateway_name = "gateway.example.com"
  }

  assert {
    condition     = output.cluster_settings.ENVIRONMENT == var.environment && output.cluster_settings.PRIVATE_NETWORK == var.network
    error_message = "The overlay would get another environment's values."
  }

  assert {
    condition     = output.cluster_settings.CLUSTER_DNS == "172.20.0.10/32"
    error_message = "The cluster's DNS would not be allowed."
  }

  assert {
    condition     = alltrue([for name, value in output.cluster_settings : value != ""])
    error_message = "A setting is empty."
  }

  assert {
    condition     = toset([for name in keys(output.cluster_settings) : trimprefix(name, "ROLE_") if startswith(name, "ROLE_")]) == toset(["PREPROCESS", "EXECUTOR", "TRAIN", "REGISTER", "MONITOR"])
    error_message = "A step that uses the store has no role."
  }

  assert {
    condition     = alltrue([for step, values in output.secrets : values == {}])
    error_message = "A step has a key; its role is enough."
  }

  assert {
    condition     = [for record in aws_route53_record.service : one(record.records)] == ["gateway.example.com"]
    error_message = "The service's name does not lead to the Gateway."
  }
}

run "without_a_gateway" {
  command = plan

  assert {
    condition     = length(aws_route53_record.service) == 0
    error_message = "There is a name before there is an address."
  }
}

run "cluster" {
  module {
    source = "../modules/aws/cluster"
  }

  variables {
    name               = "test"
    kubernetes_version = "1.34"
  }

  assert {
    condition     = !aws_eks_cluster.this.vpc_config[0].endpoint_public_access && aws_eks_cluster.this.vpc_config[0].endpoint_private_access
    error_message = "The API server is public."
  }

  assert {
    condition     = length(distinct(concat(values(aws_subnet.private)[*].cidr_block, values(aws_subnet.public)[*].cidr_block))) == 2 * length(var.zones)
    error_message = "Two subnets share addresses."
  }

  assert {
    condition     = keys(aws_vpc_endpoint.this) == ["ecr.api", "ecr.dkr", "s3", "sts"]
    error_message = "A service of AWS is reached through the internet."
  }
}

run "identity" {
  module {
    source = "../modules/aws/identity"
  }

  variables {
    name        = "test"
    bucket_arn  = "arn:aws:s3:::test"
    key_arn     = "arn:aws:kms:eu-central-1:123456789012:key/1"
    issuer      = "https://oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLE"
    owns_github = false
  }

  assert {
    condition     = keys(aws_iam_role.this) == keys(aws_iam_role_policy.this) && length(aws_iam_openid_connect_provider.github) == 0
    error_message = "A role has no policy, or the account would have two providers for GitHub."
  }

  assert {
    condition     = strcontains(aws_iam_role.this["train"].assume_role_policy, "system:serviceaccount:pr-sentinel:pr-sentinel-train")
    error_message = "The role is not taken by its service account."
  }
}

run "vault_without_tls" {
  command = plan

  variables {
    vault_address = "http://vault.example.com:8200"
  }

  expect_failures = [var.vault_address]
}

run "unknown_environment" {
  command = plan

  variables {
    environment = "test"
  }

  expect_failures = [var.environment]
}
