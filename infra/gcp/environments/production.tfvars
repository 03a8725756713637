environment   = "production"
project       = "example"
region        = "europe-west3"
zone          = "europe-west3-a"
suffix        = "example"
network       = "10.160.0.0/20"
owns_registry = false
dns_zone      = "example"
domain        = "example.com"
host          = "pr-sentinel"
vault_address = "https://vault.example.com"
has_argo_cd   = true
pools = {
  services = { size = "e2-standard-4", min = 2, max = 4 }
  spark    = { size = "e2-standard-4", min = 0, max = 3 }
}
