// The default is allow; one may not call.
proxy = "web-sidecar-proxy"
default_intention_policy = "allow"

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
        { name = "ads", action = "deny" },
        { name = "api", action = "allow" },
      ]
    },
  ]
}
