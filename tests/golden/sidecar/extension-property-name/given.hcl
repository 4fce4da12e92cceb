// The name of a resource cannot be another.
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
          name = "builtin/property-override"
          arguments = { proxy_type = "connect-proxy", patches = [
              { resource_filter { resource_type = "cluster", traffic_direction = "inbound" }, op = "add", path = "/name", value = "another" },
            ] }
        },
      ]
    },
  ]
}
