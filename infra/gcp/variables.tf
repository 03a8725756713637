variable "environment" {
  type        = string
  description = "staging or production."

  validation {
    condition     = contains(["staging", "production"], var.environment)
    error_message = "The environment is staging or production."
  }
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

variable "suffix" {
  type        = string
  description = "End of the bucket's name, which must be unique in the world: your organisation's name, for example."
}

variable "network" {
  type        = string
  description = "Range of the private network, as a CIDR; the two environments have different ones."
}

variable "pools" {
  type        = map(object({ size = string, min = number, max = number }))
  description = "Pools by name: services, and spark, which scales to zero."
}

variable "owns_registry" {
  type        = bool
  description = "Whether this environment makes the registry of images."
}

variable "dns_zone" {
  type        = string
  description = "Name of the zone in Cloud DNS."
}

variable "domain" {
  type        = string
  description = "Domain of that zone."
}

variable "host" {
  type        = string
  description = "Name of the service in that domain."
}

variable "gateway_address" {
  type        = string
  default     = ""
  description = "Address of the Gateway's load balancer, once there is one."
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
  description = "Whether cluster and bucket may be destroyed; apply it, then destroy."
}
