# One node without TLS, for a trial, in a namespace where network policies restrict access.
disable_mlock = true
api_addr      = "http://vault.pr-sentinel-backing.svc:8200"
cluster_addr  = "https://127.0.0.1:8201"

storage "raft" {
  path    = "/vault/data"
  node_id = "vault-0"
}

listener "tcp" {
  address     = "[::]:8200"
  tls_disable = true
}
