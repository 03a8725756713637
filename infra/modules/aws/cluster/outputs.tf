output "name" {
  value       = aws_eks_cluster.this.name
  description = "Name of the cluster."
}

output "issuer" {
  value       = aws_eks_cluster.this.identity[0].oidc[0].issuer
  description = "Issuer of the tokens of service accounts, as a URL."
}

output "network" {
  value       = { id = aws_vpc.this.id, cidr = aws_vpc.this.cidr_block }
  description = "The private network."
}

output "dns" {
  value       = "${cidrhost(local.services, 10)}/32"
  description = "Address of the cluster's DNS, as a CIDR: EKS takes the tenth of its services."
}

output "connection" {
  value = {
    host        = aws_eks_cluster.this.endpoint
    certificate = base64decode(aws_eks_cluster.this.certificate_authority[0].data)
  }
  description = "What a client needs to reach the API server, beside a token; only from inside the network."
}
