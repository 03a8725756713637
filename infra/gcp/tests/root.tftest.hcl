# With mocks of the providers, for each environment: tofu test -var-file=environments/staging.tfvars
mock_provider "google" {
  mock_resource "google_container_cluster" {
    defaults = { master_auth = { cluster_ca_certificate = "Y2VydGlmaWNhdGU=" } }
  }

  mock_resource "google_service_account" {
    defaults = { email = "test@example.iam.gserviceaccount.com" }
  }
}

mock_provider "helm" {}

# The flag is set because the guard, which no mock replaces, would refuse to end the test.
run "environment" {
  override_module {
    target = module.cluster
    outputs = {
      connection = { host = "https://10.0.0.2", certificate = "certificate" }
      network    = { cidr = "10.150.0.0/20" }
    }
  }

  variables {
    destroy_data    = true
    gateway_address = "192.0.2.7"
  }

  assert {
    condition = output.cluster_settings == {
      ENVIRONMENT     = var.environment
      PRIVATE_NETWORK = "10.150.0.0/20"
      REGISTRY        = "${var.region}-docker.pkg.dev/${var.project}/pr-sentinel"
      HOSTNAME        = "${var.host}.${var.domain}"
      STORE_URL       = "s3://pr-sentinel-${var.environment}-${var.suffix}"
      S3_ENDPOINT_URL = "https://storage.googleapis.com"
      VAULT_ADDR      = var.vault_address
    }
    error_message = "The overlay would not get the environment's values."
  }

  assert {
    condition     = { for step, values in nonsensitive(output.secrets) : step => contains(keys(values), "s3_access_key_id") } == { fetch = false, preprocess = true, train = true, register = true, monitor = true, serve = false, checks = false }
    error_message = "Steps that use the store have a key for it, and no others."
  }

  assert {
    condition     = [for record in google_dns_record_set.service : one(record.rrdatas)] == ["192.0.2.7"]
    error_message = "The service's name does not lead to the Gateway."
  }
}

run "without_a_gateway" {
  command = plan

  override_module {
    target = module.cluster
    outputs = {
      connection = { host = "https://10.0.0.2", certificate = "certificate" }
      network    = { cidr = "10.150.0.0/20" }
    }
  }


  assert {
    condition     = length(google_dns_record_set.service) == 0
    error_message = "There is a name before there is an address."
  }
}

run "cluster" {
  command = plan

  module {
    source = "../modules/gcp/cluster"
  }

  variables {
    name         = "test"
    destroy_data = false
  }

  assert {
    condition     = google_container_node_pool.this["spark"].autoscaling[0].min_node_count == 0
    error_message = "Spark's pool does not scale to zero."
  }

  assert {
    condition     = { for name, pool in google_container_node_pool.this : name => [for taint in pool.node_config[0].taint : "${taint.key}=${taint.value}:${taint.effect}"] } == { services = [], spark = ["pr-sentinel/pool=spark:NO_SCHEDULE"] }
    error_message = "Other pods would run in Spark's pool, or none in the other."
  }

  assert {
    condition     = google_container_cluster.this.private_cluster_config[0].enable_private_endpoint && google_container_cluster.this.deletion_protection
    error_message = "The API server is public, or the cluster may be destroyed without the flag."
  }
}

run "rights" {
  command = plan

  module {
    source = "../modules/gcp/identity"
  }

  variables {
    name   = "test"
    bucket = "test"
  }

  assert {
    condition = { for name, member in google_storage_bucket_iam_member.folder : name => member.role } == {
      executor-staging    = "roles/storage.objectUser"
      monitor-bentos      = "roles/storage.objectViewer"
      monitor-datasets    = "roles/storage.objectViewer"
      monitor-drift       = "roles/storage.objectUser"
      preprocess-datasets = "roles/storage.objectUser"
      preprocess-staging  = "roles/storage.objectUser"
      register-bentos     = "roles/storage.objectUser"
      register-datasets   = "roles/storage.objectViewer"
      register-runs       = "roles/storage.objectUser"
      release-bentos      = "roles/storage.objectViewer"
      train-datasets      = "roles/storage.objectViewer"
    }
    error_message = "An identity has other rights than access.json grants."
  }

  assert {
    condition     = alltrue([for name, member in google_storage_bucket_iam_member.folder : strcontains(member.condition[0].expression, "/objects/${split("-", name)[1]}/\")")])
    error_message = "A right is not bound to its folder."
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
