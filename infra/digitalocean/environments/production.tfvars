environment      = "production"
region           = "fra1"
suffix           = "example"
network          = "10.120.0.0/20"
highly_available = true
administrators   = ["192.0.2.1/32"]
services         = { size = "s-4vcpu-8gb", min = 2, max = 5 }
spark            = { size = "s-4vcpu-8gb", max = 3 }
mongodb          = { size = "db-s-2vcpu-4gb", nodes = 3 }
registry         = { name = "pr-sentinel-example", owned = false }
domain           = "example.com"
host             = "pr-sentinel"
vault_address    = "https://vault.example.com"
has_argo_cd      = true
