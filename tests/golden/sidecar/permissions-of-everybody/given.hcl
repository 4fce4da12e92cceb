// Permissions of every source, but not of one that is named.
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
      kind     = "service-defaults"
      name     = "web"
      protocol = "http"
    },
    {
      kind = "service-intentions"
      name = "web"
      sources = [
        { name = "ads", action = "deny" },
        {
          name        = "*"
          permissions = [
            { action = "allow", http { path_prefix = "/public" } },
          ]
        },
      ]
    },
  ]
}
