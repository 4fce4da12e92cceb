// Keys are fetched over plain HTTP from a host by name, once and again.
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
        remote {
          uri                  = "http://keys.example:8080/jwks.json"
          request_timeout_ms   = 1500
          cache_duration       = "10m"
          fetch_asynchronously = true
          retry_policy {
            num_retries = 3
            retry_policy_back_off { base_interval = "1s", max_interval = "10s" }
          }
        }
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
