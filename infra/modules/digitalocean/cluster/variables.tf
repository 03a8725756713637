variable "name" {
  type        = string
  description = "Name of the cluster and its network."
}

variable "region" {
  type        = string
  description = "Region, for example fra1."
}

variable "network" {
  type        = string
  description = "Range of the private network, as a CIDR."
}

variable "kubernetes_version" {
  type        = string
  description = "Minor version of Kubernetes, for example 1.34."
}

variable "highly_available" {
  type        = bool
  description = "Whether the control plane is replicated."
}

variable "registry" {
  type        = string
  description = "Name of the registry, which must be there before the cluster gets its pull secret."
}

variable "administrators" {
  type        = list(string)
  description = "Addresses (CIDR) that may reach the API server."

  validation {
    condition     = length(var.administrators) > 0 && !contains(var.administrators, "0.0.0.0/0")
    error_message = "Name the addresses that may reach the API server; 0.0.0.0/0 is everybody."
  }
}

variable "services" {
  type        = object({ size = string, min = number, max = number })
  description = "The pool for all that always runs."
}

variable "spark" {
  type        = object({ size = string, max = number })
  description = "The pool for Spark's executors; it scales to zero."
}
