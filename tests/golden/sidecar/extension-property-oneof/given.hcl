// Of fields that exclude each other the one that is set stays; and what is set whole may be packed.
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
              { resource_filter { resource_type = "cluster", traffic_direction = "outbound" }, op = "add", path = "/lb_policy", value = "RING_HASH" },
              { resource_filter { resource_type = "cluster", traffic_direction = "outbound" }, op = "add", path = "/ring_hash_lb_config", value = { minimum_ring_size = 64 } },
              { resource_filter { resource_type = "cluster", traffic_direction = "outbound" }, op = "add", path = "/ring_hash_lb_config/maximum_ring_size", value = 128 },
            ] }
        },
      ]
    },
  ]
}
