// The mesh asks Envoy to refuse routes to clusters that are not there.
proxy = "web-sidecar-proxy"

node {
  name    = "n1"
  address = "10.0.0.1"
  service {
    name = "web"
    port = 8080
    connect { sidecar_service = {
      port = 21000
      proxy = {
        upstreams = [
          { destination_name = "api", local_bind_port = 5000 },
        ]
      }
    } }
  }
  service {
    name = "api"
    port = 9000
    connect { sidecar_service { port = 20000 } }
  }
}

config_entries {
  bootstrap = [
    { kind = "service-defaults", name = "api", protocol = "http" },
    { kind = "service-router", name = "api", routes = [] },
    { kind = "mesh", validate_clusters = true },
  ]
}
