// Proxy and application listen on the same port of different addresses: whom a connection is meant for cannot be told.
proxy = "web-sidecar-proxy"

node {
  name    = "n1"
  address = "10.0.0.1"
  service {
    name = "web"
    port = 8080
    connect { sidecar_service {
      port = 21000
      proxy { local_service_port = 21000 }
    } }
  }
}

config_entries {
  bootstrap = [
    {
      kind = "mesh"
      allow_enabling_permissive_mutual_tls = true
    },
    {
      kind = "service-defaults"
      name = "web"
      protocol = "http"
      mutual_tls_mode = "permissive"
    },
  ]
}
