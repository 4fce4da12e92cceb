// Requests that go out, to a collector that is an upstream.
proxy = "web-sidecar-proxy"
default_intention_policy = "allow"

node {
  name    = "n1"
  address = "10.0.0.1"
  service {
    name = "web"
    port = 8080
    connect {
      sidecar_service {
        proxy {
          upstreams { destination_name = "db" local_bind_port = 9191 }
          upstreams { destination_name = "collector" local_bind_port = 9192 }
        }
      }
    }
  }
}

node {
  name    = "n2"
  address = "10.0.0.2"
  service {
    name = "db"
    port = 7001
    connect { sidecar_service {} }
  }
  service {
    name = "collector"
    port = 7002
    connect { sidecar_service {} }
  }
}

config_entries {
  bootstrap = [
    {
      kind = "service-defaults"
      name = "web"
      protocol = "http"
      envoy_extensions = [
        {
          name = "builtin/otel-access-logging"
          arguments = {
            listener_type = "outbound"
            config { log_name = "calls", grpc_service { target { service { name = "collector" } } } }
          }
        },
      ]
    },
    { kind = "service-defaults", name = "db", protocol = "http" },
    { kind = "service-defaults", name = "collector", protocol = "grpc" },
  ]
}
