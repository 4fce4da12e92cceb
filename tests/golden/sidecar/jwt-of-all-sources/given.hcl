// Everybody who may call must show a token of one provider.
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
      issuer = "https://okta.example"
      json_web_key_set {
        local { jwks = "eyJrZXlzIjpbeyJrdHkiOiJvY3QiLCJhbGciOiJIUzI1NiIsImtpZCI6ImsiLCJrIjoiYzJWamNtVjBMWE5sWTNKbGRDMXpaV055WlhRdGMyVmpjbVYwTFRNeSJ9XX0=" }
      }
    },
    {
      kind = "service-intentions"
      name = "web"
      sources = [
        { name = "shop", action = "allow" },
        { name = "ads", action = "deny" },
      ]
      jwt {
        providers = [
          { name = "okta" },
        ]
      }
    },
  ]
}
