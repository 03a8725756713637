variable "environment" {
  type        = string
  description = "staging or production."

  validation {
    condition     = contains(["staging", "production"], var.environment)
    error_message = "The environment is staging or production."
  }
}

variable "region" {
  type        = string
  description = "Region, for example eu-central-1."
}

variable "suffix" {
  type        = string
  description = "End of the bucket's name, which must be unique in the world: your organisation's name, for example."
}

variable "network" {
  type        = string
  description = "Range of the private network, as a CIDR; the two environments have different ones."
}

variable "zones" {
  type        = list(string)
  description = "Two zones of the region."
}

variable "kubernetes_version" {
  type        = string
  default     = "1.34"
  description = "Minor version of Kubernetes."
}

variable "owns_account" {
  type        = bool
  description = "Whether this environment makes what an account has once: image repositories and the trust in GitHub."
}

variable "repository" {
  type        = string
  description = "owner/name of the repository on GitHub whose workflow builds the service's image."
}

variable "domain" {
  type        = string
  description = "Domain whose DNS is at Route 53."
}

variable "host" {
  type        = string
  description = "Name of the service in that domain."
}

variable "gateway_name" {
  type        = string
  default     = ""
  description = "DNS name of the Gateway's load balancer, once there is one."
}

variable "vault_address" {
  type        = string
  description = "URL of Vault."

  validation {
    condition     = startswith(var.vault_address, "https://") || endswith(split("/", var.vault_address)[2], ".svc:8200")
    error_message = "Vault is reached by https://, except for one inside the cluster."
  }
}

variable "has_argo_cd" {
  type        = bool
  description = "Whether this environment's cluster runs the Argo CD that manages both."
}

variable "argo_cd_chart" {
  type        = string
  default     = "9.5.4"
  description = "Version of the chart argo-cd."
}

variable "destroy_data" {
  type        = bool
  default     = false
  description = "Whether bucket and images may be destroyed; apply it, then destroy."
}
