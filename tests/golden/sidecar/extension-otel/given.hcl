// Requests are told to a collector beside the proxy.
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
      }
    }
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
            listener_type = "inbound"
            config {
              log_name = "requests"
              grpc_service { target { uri = "localhost:4317" } }
            }
          }
        },
      ]
    },
  ]
}
