# With mocks of the providers, for each environment: tofu test -var-file=environments/staging.tfvars
mock_provider "digitalocean" {
  mock_resource "digitalocean_kubernetes_cluster" {
    defaults = {
      endpoint = "https://cluster.example.com"
      kube_config = [{
        client_certificate     = ""
        client_key             = ""
        cluster_ca_certificate = "Y2VydGlmaWNhdGU="
        expires_at             = ""
        host                   = "https://cluster.example.com"
        raw_config             = ""
        token                  = "token"
      }]
    }
  }
}

mock_provider "helm" {}

# The flag is set because the guard, which no mock replaces, would refuse to end the test.
run "environment" {
  variables {
    destroy_data    = true
    gateway_address = "192.0.2.7"
  }

  assert {
    condition = output.cluster_settings == {
      ENVIRONMENT     = var.environment
      PRIVATE_NETWORK = var.network
      REGISTRY        = "registry.digitalocean.com/${var.registry.name}"
      PULL_SECRET     = var.registry.name
      HOSTNAME        = "${var.host}.${var.domain}"
      STORE_URL       = "s3://pr-sentinel-${var.environment}-${var.suffix}"
      S3_ENDPOINT_URL = "https://${var.region}.digitaloceanspaces.com"
      VAULT_ADDR      = var.vault_address
    }
    error_message = "The overlay would not get the environment's values."
  }

  assert {
    condition     = alltrue([for step in ["fetch", "preprocess", "monitor", "serve", "checks"] : startswith(nonsensitive(output.secrets)[step].mongo_uri, "mongodb+srv://${step}:")])
    error_message = "A step that uses MongoDB has no user of its own."
  }

  assert {
    condition     = { for step, values in nonsensitive(output.secrets) : step => contains(keys(values), "s3_access_key_id") } == { fetch = false, preprocess = true, train = true, register = true, monitor = true, serve = false, checks = false }
    error_message = "Steps that use the store have a key for it, and no others."
  }

  assert {
    condition     = [for record in digitalocean_record.service : record.value] == ["192.0.2.7"]
    error_message = "The service's name does not lead to the Gateway."
  }
}

run "without_a_gateway" {
  command = plan

  assert {
    condition     = length(digitalocean_record.service) == 0
    error_message = "There is a name before there is an address."
  }
}

run "cluster" {
  command = plan

  module {
    source = "../modules/digitalocean/cluster"
  }

  variables {
    name               = "test"
    kubernetes_version = "1.34"
    registry           = "test"
  }

  assert {
    condition     = digitalocean_kubernetes_node_pool.spark.min_nodes == 0 && digitalocean_kubernetes_node_pool.spark.auto_scale
    error_message = "Spark's pool does not scale to zero."
  }

  assert {
    condition     = [for taint in digitalocean_kubernetes_node_pool.spark.taint : "${taint.key}=${taint.value}:${taint.effect}"] == ["pr-sentinel/pool=spark:NoSchedule"]
    error_message = "Other pods would run in Spark's pool."
  }

  assert {
    condition     = digitalocean_kubernetes_cluster.this.registry_integration
    error_message = "The cluster has no pull secret."
  }

  assert {
    condition     = digitalocean_kubernetes_cluster.this.control_plane_firewall[0].enabled && toset(digitalocean_kubernetes_cluster.this.control_plane_firewall[0].allowed_addresses) == toset(var.administrators)
    error_message = "The API server is open to others than its administrators."
  }
}

run "registry" {
  command = plan

  module {
    source = "../modules/digitalocean/registry"
  }

  variables {
    name  = "test"
    owned = true
  }

  assert {
    condition     = digitalocean_container_registry.this[0].subscription_tier_slug == "professional"
    error_message = "Basic has five repositories and five GiB; there are seven images."
  }
}

run "keys" {
  command = plan

  module {
    source = "../modules/digitalocean/identity"
  }

  variables {
    name   = "test"
    bucket = "test"
  }

  assert {
    condition     = { for step, key in digitalocean_spaces_key.step : step => [for grant in key.grant : "${grant.permission} ${grant.bucket}"] } == { executor = ["readwrite test"], monitor = ["readwrite test"], preprocess = ["readwrite test"], register = ["readwrite test"], release = ["read test"], train = ["read test"] }
    error_message = "A key has more than access.json grants."
  }
}

run "everybody_as_administrator" {
  command = plan

  module {
    source = "../modules/digitalocean/cluster"
  }

  variables {
    name               = "test"
    kubernetes_version = "1.34"
    registry           = "test"
    administrators     = ["0.0.0.0/0"]
  }

  expect_failures = [var.administrators]
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
