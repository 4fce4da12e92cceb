// The registration says tcp over the http of service-defaults: what would need requests is denied.
proxy = "web-sidecar-proxy"

node {
  name    = "n1"
  address = "10.0.0.1"
  service {
    name = "web"
    port = 8080
    connect { sidecar_service {
      port = 21000
      proxy { config { protocol = "tcp" } }
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
        {
          name        = "shop"
          permissions = [
            { action = "allow", http { path_prefix = "/" } },
          ]
        },
        { name = "admin", action = "allow" },
      ]
    },
  ]
}
