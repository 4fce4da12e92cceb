// A path by regular expression, whole; the expression is the user's own.
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
        {
          name        = "shop"
          permissions = [
            { action = "allow", http { path_regex = "/v[0-9]+/items(/.*)?" } },
          ]
        },
      ]
    },
  ]
}
