# A private network and a GKE cluster in it, with nodes that have no public addresses.
terraform {
  required_version = ">= 1.10"
  required_providers {
    google = { source = "hashicorp/google", version = "~> 6.50" }
  }
}

resource "google_compute_network" "this" {
  # checkov:skip=CKV2_GCP_18: a network of its own lets nothing in but what GKE opens for its nodes
  name                    = var.name
  auto_create_subnetworks = false
}

resource "google_compute_subnetwork" "this" {
  # checkov:skip=CKV_GCP_26: no flow logs by default; they cost by volume
  # checkov:skip=CKV_GCP_76: there is no IPv6
  name                     = var.name
  region                   = var.region
  network                  = google_compute_network.this.id
  ip_cidr_range            = var.network
  private_ip_google_access = true
}

resource "google_compute_router" "this" {
  name    = var.name
  region  = var.region
  network = google_compute_network.this.id
}

resource "google_compute_router_nat" "this" {
  name                               = var.name
  region                             = var.region
  router                             = google_compute_router.this.name
  nat_ip_allocate_option             = "AUTO_ONLY"
  source_subnetwork_ip_ranges_to_nat = "ALL_SUBNETWORKS_ALL_IP_RANGES"
}

resource "google_service_account" "node" {
  account_id = "${var.name}-node"
}

resource "google_project_iam_member" "node" {
  for_each = toset(["roles/container.defaultNodeServiceAccount", "roles/artifactregistry.reader"])
  project  = var.project
  role     = each.key
  member   = "serviceAccount:${google_service_account.node.email}"
}

resource "google_container_cluster" "this" {
  # checkov:skip=CKV_GCP_12: ADVANCED_DATAPATH enforces policies by itself
  # checkov:skip=CKV_GCP_65: Google Groups for RBAC need a Workspace domain
  # checkov:skip=CKV_GCP_66: images are pinned by digest and refused by an admission policy of the project
  # checkov:skip=CKV_GCP_61: no flow logs by default; they cost by volume
  # checkov:skip=CKV_GCP_69: both pools have the metadata server
  name                     = var.name
  location                 = var.zone
  network                  = google_compute_network.this.id
  subnetwork               = google_compute_subnetwork.this.id
  remove_default_node_pool = true
  initial_node_count       = 1
  deletion_protection      = !var.destroy_data
  datapath_provider        = "ADVANCED_DATAPATH"
  enable_shielded_nodes    = true
  resource_labels          = { project = "pr-sentinel" }

  ip_allocation_policy {}

  release_channel {
    channel = "STABLE"
  }

  workload_identity_config {
    workload_pool = "${var.project}.svc.id.goog"
  }

  master_auth {
    client_certificate_config {
      issue_client_certificate = false
    }
  }

  private_cluster_config {
    enable_private_nodes    = true
    enable_private_endpoint = true
  }

  master_authorized_networks_config {
    cidr_blocks {
      cidr_block   = var.network
      display_name = "the network"
    }
  }
}

resource "google_container_node_pool" "this" {
  for_each = var.pools
  name     = each.key
  location = var.zone
  cluster  = google_container_cluster.this.name

  autoscaling {
    min_node_count = each.value.min
    max_node_count = each.value.max
  }

  management {
    auto_repair  = true
    auto_upgrade = true
  }

  node_config {
    machine_type    = each.value.size
    service_account = google_service_account.node.email
    labels          = { "pr-sentinel/pool" = each.key }

    shielded_instance_config {
      enable_secure_boot          = true
      enable_integrity_monitoring = true
    }

    workload_metadata_config {
      mode = "GKE_METADATA"
    }

    dynamic "taint" {
      for_each = each.key == "spark" ? ["spark"] : []
      content {
        key    = "pr-sentinel/pool"
        value  = taint.value
        effect = "NO_SCHEDULE"
      }
    }
  }
}

variable "name" {
  type        = string
  description = "Name of the cluster and its network."
}

variable "project" {
  type        = string
  description = "Id of the project."
}

variable "region" {
  type        = string
  description = "Region, for example europe-west3."
}

variable "zone" {
  type        = string
  description = "Zone of the nodes and the control plane."
}

variable "network" {
  type        = string
  description = "Range of the private network, as a CIDR."
}

variable "pools" {
  type        = map(object({ size = string, min = number, max = number }))
  description = "Pools by name: services, and spark, which scales to zero."
}

variable "destroy_data" {
  type        = bool
  description = "Whether the cluster may be destroyed."
}

output "connection" {
  value = {
    host        = "https://${google_container_cluster.this.endpoint}"
    certificate = base64decode(google_container_cluster.this.master_auth[0].cluster_ca_certificate)
  }
  description = "What a client needs to reach the API server, beside a token; only from inside the network."
}

output "network" {
  value       = { cidr = google_compute_subnetwork.this.ip_cidr_range }
  description = "The private network."
}
