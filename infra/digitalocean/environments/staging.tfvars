environment      = "staging"
region           = "fra1"
suffix           = "example"
network          = "10.110.0.0/20"
highly_available = false
administrators   = ["192.0.2.1/32"]
services         = { size = "s-2vcpu-4gb", min = 2, max = 4 }
spark            = { size = "s-4vcpu-8gb", max = 3 }
mongodb          = { size = "db-s-1vcpu-2gb", nodes = 1 }
registry         = { name = "pr-sentinel-example", owned = true }
domain           = "example.com"
host             = "staging"
vault_address    = "https://vault.example.com"
has_argo_cd      = false
