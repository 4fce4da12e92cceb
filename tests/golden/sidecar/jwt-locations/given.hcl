// Where tokens are, what the application gets of them, and how exactly time is measured.
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
      issuer             = "https://okta.example"
      clock_skew_seconds = 5
      cache_config { size = 100 }
      locations = [
        { header { name = "x-token", value_prefix = "Token ", forward = true } },
        { query_param { name = "token" } },
        { cookie { name = "session" } },
      ]
      forwarding { header_name = "x-claims", pad_forward_payload_header = true }
      json_web_key_set {
        local { jwks = "eyJrZXlzIjpbeyJrdHkiOiJvY3QiLCJhbGciOiJIUzI1NiIsImtpZCI6ImsiLCJrIjoiYzJWamNtVjBMWE5sWTNKbGRDMXpaV055WlhRdGMyVmpjbVYwTFRNeSJ9XX0=" }
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
