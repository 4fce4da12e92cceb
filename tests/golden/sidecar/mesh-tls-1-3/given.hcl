// Sidecars take TLS 1.3 alone: those that call are told of it, because Envoy as a client stops at 1.2 otherwise.
proxy = "web-sidecar-proxy"

node {
  name    = "n1"
  address = "10.0.0.1"
  service {
    name = "web"
    port = 8080
    connect { sidecar_service {
      port = 21000
      proxy { upstreams { destination_name = "web", local_bind_port = 5000 } }
    } }
  }
}

config_entries {
  bootstrap = [
    {
      kind = "mesh"
      tls { incoming { tls_min_version = "TLSv1_3" } }
    },
    {
      kind = "service-defaults"
      name = "web"
      protocol = "http"
    },
  ]
}
