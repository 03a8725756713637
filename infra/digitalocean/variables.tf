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
  description = "Region, for example fra1; it must have Spaces."
}

variable "suffix" {
  type        = string
  description = "End of the bucket's name, which must be unique in the region: your organisation's name, for example."
}

variable "network" {
  type        = string
  description = "Range of the private network, as a CIDR; the two environments have different ones."
}

variable "kubernetes_version" {
  type        = string
  default     = "1.34"
  description = "Minor version of Kubernetes."
}

variable "highly_available" {
  type        = bool
  description = "Whether the control plane is replicated."
}

variable "administrators" {
  type        = list(string)
  description = "Addresses (CIDR) that may reach the API server: yours and Argo CD's."
}

variable "services" {
  type        = object({ size = string, min = number, max = number })
  description = "The pool for all that always runs."
}

variable "spark" {
  type        = object({ size = string, max = number })
  description = "The pool for Spark's executors; it scales to zero."
}

variable "mongodb" {
  type        = object({ size = string, nodes = number })
  description = "The managed MongoDB."
}

variable "registry" {
  type        = object({ name = string, owned = bool })
  description = "The registry of images; staging owns it, because an account has one."
}

variable "domain" {
  type        = string
  description = "Domain whose DNS is at DigitalOcean."
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
  description = "Whether bucket and database may be destroyed; apply it, then destroy."
}
