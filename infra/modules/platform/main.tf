# Argo CD, and nothing else: it installs the rest from Git, so that nothing is owned twice.
terraform {
  required_version = ">= 1.10"
  required_providers {
    helm = { source = "hashicorp/helm", version = "~> 3.1" }
  }
}

resource "helm_release" "argo_cd" {
  name             = "argocd"
  namespace        = "argocd"
  create_namespace = true
  repository       = "https://argoproj.github.io/argo-helm"
  chart            = "argo-cd"
  version          = var.chart_version
  atomic           = true
  timeout          = 900

  values = [yamlencode({
    # Reached by port-forward or a tunnel, never from outside.
    server  = { service = { type = "ClusterIP" } }
    dex     = { enabled = false }
    configs = { cm = { "admin.enabled" = true } }
  })]
}

variable "chart_version" {
  type        = string
  description = "Version of the chart argo-cd."
}

output "namespace" {
  value       = helm_release.argo_cd.namespace
  description = "Namespace of Argo CD."
}
