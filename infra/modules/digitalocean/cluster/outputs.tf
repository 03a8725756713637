output "id" {
  value       = digitalocean_kubernetes_cluster.this.id
  description = "Id of the cluster."
}

output "network" {
  value       = { id = digitalocean_vpc.this.id, cidr = digitalocean_vpc.this.ip_range }
  description = "The private network."
}

output "connection" {
  value = {
    host        = digitalocean_kubernetes_cluster.this.endpoint
    token       = digitalocean_kubernetes_cluster.this.kube_config[0].token
    certificate = base64decode(digitalocean_kubernetes_cluster.this.kube_config[0].cluster_ca_certificate)
  }
  sensitive   = true
  description = "What a client needs to reach the API server."
}
