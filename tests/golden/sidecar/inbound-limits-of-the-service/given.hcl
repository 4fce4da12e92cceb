// What service-defaults say of what comes in.
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
    {
      kind = "service-defaults"
      name = "web"
      protocol = "http"
      max_inbound_connections = 9
      balance_inbound_connections = "exact_balance"
      local_connect_timeout_ms = 400
      local_request_timeout_ms = 500
    },
  ]
}
