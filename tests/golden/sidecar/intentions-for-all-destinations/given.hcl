// What holds for every destination, and one exception for this one.
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
        { name = "ads", action = "allow" },
      ]
    },
    {
      kind = "service-intentions"
      name = "*"
      sources = [
        { name = "*", action = "deny" },
        { name = "api", action = "allow" },
      ]
    },
  ]
}
