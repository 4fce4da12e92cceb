// The same where the least busy of several is chosen, slower at first.
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
    { kind = "service-defaults", name = "api", protocol = "http" },
    {
      kind          = "service-resolver"
      name          = "api"
      load_balancer = { policy = "least_request", least_request_config = { choice_count = 3 }, slow_start_config = { window = "1m", aggression = 0.5, min_weight_percent = 1 } }
    },
  ]
}
