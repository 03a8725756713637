variable "name" {
  type        = string
  description = "Name of the cluster and its network."
}

variable "network" {
  type        = string
  description = "Range of the private network, as a CIDR of 20 bits or fewer."
}

variable "kubernetes_version" {
  type        = string
  description = "Minor version of Kubernetes, for example 1.34."
}

variable "zones" {
  type        = list(string)
  description = "Two zones of the region; named, because subnets must not move when the region gets another one."
}
