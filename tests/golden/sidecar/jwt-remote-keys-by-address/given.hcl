// Keys are fetched from an address, which needs no resolving.
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
      kind = "jwt-provider"
      name = "okta"
      json_web_key_set {
        remote { uri = "https://10.0.0.9:8443/jwks.json" }
      }
    },
    {
      kind = "service-intentions"
      name = "web"
      sources = [
        { name = "shop", action = "allow" },
      ]
      jwt {
        providers = [
          { name = "okta" },
        ]
      }
    },
  ]
}
