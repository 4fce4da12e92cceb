// Several, each after what the one before it left.
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
          name = "builtin/lua"
          arguments = { proxy_type = "connect-proxy", listener = "inbound", script = "-- a" }
        },
        {
          name = "builtin/ext-authz"
          arguments = { config { grpc_service { target { uri = "localhost:9191" } } } }
        },
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
        {
          name = "builtin/property-override"
          arguments = { proxy_type = "connect-proxy", patches = [
              { resource_filter { resource_type = "listener", traffic_direction = "inbound" }, op = "add", path = "/stat_prefix", value = "mine" },
            ] }
        },
      ]
    },
  ]
}
