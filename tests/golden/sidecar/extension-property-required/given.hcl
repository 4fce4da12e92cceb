// A required change of a cluster that cannot be made: neither it nor what leads to it is served.
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
          required = true
          arguments = { patches = [{ resource_filter { resource_type = "cluster", traffic_direction = "outbound", services = [{ name = "db" }] }, op = "add", path = "/name/first", value = "x" }] }
        },
      ]
    },
  ]
}
