environment   = "staging"
project       = "example"
region        = "europe-west3"
zone          = "europe-west3-a"
suffix        = "example"
network       = "10.150.0.0/20"
owns_registry = true
dns_zone      = "example"
domain        = "example.com"
host          = "staging"
vault_address = "https://vault.example.com"
has_argo_cd   = false
pools = {
  services = { size = "e2-standard-2", min = 2, max = 4 }
  spark    = { size = "e2-standard-4", min = 0, max = 3 }
}
