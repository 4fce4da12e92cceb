// Only one path demands a token; the token alone decides about another.
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
        {
          name        = "shop"
          permissions = [
            { action = "allow", http { path_prefix = "/admin" }, jwt { providers = [{ name = "okta", verify_claims = [{ path = ["role"], value = "admin" }] }] } },
            { action = "deny", http { path_prefix = "/admin" } },
            { action = "allow", jwt { providers = [{ name = "okta" }] } },
            { action = "allow", http { path_prefix = "/public" } },
          ]
        },
      ]
    },
  ]
}
