// A new instance begins with a tenth of its weight and has all of it after half a minute: round robin by default.
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
    id   = "api-1"
    port = 9000
    connect { sidecar_service { port = 20000 } }
  }
}

config_entries {
  bootstrap = [
    {
      kind          = "service-resolver"
      name          = "api"
      load_balancer = { slow_start_config = { window = "30s" } }
    },
  ]
}
