// What the service says of one upstream, over what it says of all.
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
          { destination_name = "admin", local_bind_port = 5001 },
        ]
      }
    } }
  }
  service {
    name = "api"
    port = 9000
    connect { sidecar_service { port = 20000 } }
  }
  service {
    name = "admin"
    port = 9010
    connect { sidecar_service { port = 20001 } }
  }
}

config_entries {
  bootstrap = [
    {
      kind = "service-defaults"
      name = "web"
      upstream_config = {
        defaults = {
          connect_timeout_ms = 300
          limits = { max_connections = 10, max_pending_requests = 20, max_concurrent_requests = 30 }
        }
        overrides = [
          { name = "admin", connect_timeout_ms = 400, limits = { max_connections = 1 } },
        ]
      }
    },
  ]
}
