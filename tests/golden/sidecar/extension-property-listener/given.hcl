// Fields of listeners, and one that is cleared.
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
          upstreams { destination_name = "shop" local_bind_port = 9192 }
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
    name = "shop"
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
          name = "builtin/property-override"
          arguments = { proxy_type = "connect-proxy", patches = [
              { resource_filter { resource_type = "listener", traffic_direction = "inbound" }, op = "add", path = "/per_connection_buffer_limit_bytes", value = 32768 },
              { resource_filter { resource_type = "listener", traffic_direction = "outbound" }, op = "add", path = "/enable_reuse_port", value = false },
              { resource_filter { resource_type = "listener", traffic_direction = "outbound", services = [{ name = "db" }] }, op = "remove", path = "/traffic_direction" },
            ] }
        },
      ]
    },
  ]
}
