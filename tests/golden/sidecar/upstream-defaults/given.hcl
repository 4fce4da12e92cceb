// What the service says of all its upstreams.
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
          protocol = "http"
          connect_timeout_ms = 300
          limits = { max_connections = 10, max_pending_requests = 20, max_concurrent_requests = 30 }
          passive_health_check = {
            interval = "5s"
            max_failures = 3
            enforcing_consecutive_5xx = 100
            max_ejection_percent = 50
            base_ejection_time = "10s"
          }
        }
      }
    },
  ]
}
