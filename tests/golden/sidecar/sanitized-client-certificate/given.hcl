// Neither what a caller says about certificates nor its own is passed on.
proxy = "web-sidecar-proxy"

node {
  name    = "n1"
  address = "10.0.0.1"
  service {
    name = "web"
    port = 8080
    connect { sidecar_service {
      port = 21000
    } }
  }
}

config_entries {
  bootstrap = [
    {
      kind     = "service-defaults"
      name     = "web"
      protocol = "http"
    },
    {
      kind = "mesh"
      http { sanitize_x_forwarded_client_cert = true }
    },
  ]
}
