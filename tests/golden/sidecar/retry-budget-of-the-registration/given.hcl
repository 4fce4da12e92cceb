// A budget in the registration of an upstream, which has Envoy's defaults where it says nothing.
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
          {
            destination_name = "api"
            local_bind_port  = 5000
            config           = { limits = { retry_budget = {} } }
          },
        ]
      }
    } }
  }
  service {
    name = "api"
    id   = "api-1"
    port = 9000
    connect { sidecar_service { port = 20000 } }
  }
}

config_entries {
  bootstrap = [
    { kind = "service-defaults", name = "api", protocol = "http" },
  ]
}
