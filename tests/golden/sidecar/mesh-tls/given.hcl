// The versions and cipher suites of the mesh, each way.
proxy = "web-sidecar-proxy"

node {
  name    = "n1"
  address = "10.0.0.1"
  service {
    name = "web"
    port = 8080
    connect { sidecar_service {
      port = 21000
      proxy {
        upstreams {
          destination_name = "db"
          local_bind_port  = 5000
        }
      }
    } }
  }
  service {
    name = "db"
    port = 5432
    connect { sidecar_service { port = 20000 } }
  }
}

config_entries {
  bootstrap = [
    {
      kind = "mesh"
      tls {
        incoming {
          tls_min_version = "TLSv1_2"
          tls_max_version = "TLSv1_2"
          cipher_suites   = ["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"]
        }
        outgoing { tls_min_version = "TLSv1_3" }
      }
    },
  ]
}
