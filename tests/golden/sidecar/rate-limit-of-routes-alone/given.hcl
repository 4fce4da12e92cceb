// One path is limited, and nothing else.
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
      kind = "service-defaults"
      name = "web"
      protocol = "http"
      rate_limits { instance_level { routes = [{ path_prefix = "/search", requests_per_second = 10 }] } }
    },
  ]
}
