// All may call but one; the intention for all destinations is hidden by the wildcard for this one.
proxy = "web-sidecar-proxy"

node {
  name    = "n1"
  address = "10.0.0.1"
  service {
    name = "web"
    port = 8080
    connect { sidecar_service {
      port = 21000
    } }
  }
}

config_entries {
  bootstrap = [
    {
      kind = "service-intentions"
      name = "web"
      sources = [
        { name = "*", action = "allow" },
        { name = "ads", action = "deny" },
      ]
    },
    {
      kind = "service-intentions"
      name = "*"
      sources = [
        { name = "api", action = "deny" },
      ]
    },
  ]
}
