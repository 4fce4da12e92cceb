// A service that speaks HTTP cannot be asked about connections.
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
      protocol = "tcp"
      envoy_extensions = [
        {
          name = "builtin/ext-authz"
          required = true
          arguments = { config { http_service { target { uri = "localhost:9191" } } } }
        },
      ]
    },
  ]
}
