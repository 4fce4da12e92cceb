// Beside rules over requests and tokens, whose maps of several keys keep their order.
proxy = "web-sidecar-proxy"
default_intention_policy = "allow"

node {
  name    = "n1"
  address = "10.0.0.1"
  service {
    name = "web"
    port = 8080
    connect {
      sidecar_service {
      }
    }
  }
}

config_entries {
  bootstrap = [
    {
      kind = "service-defaults"
      name = "web"
      protocol = "http"
      envoy_extensions = [
        {
          name = "builtin/lua"
          arguments = { proxy_type = "connect-proxy", listener = "inbound", script = "-- a" }
        },
      ]
    },
    { kind = "jwt-provider", name = "one", issuer = "one", json_web_key_set { local { jwks = "eyJrZXlzIjpbeyJrdHkiOiJvY3QiLCJhbGciOiJIUzI1NiIsImtpZCI6ImsiLCJrIjoiYzJWamNtVjBMWE5sWTNKbGRDMXpaV055WlhRdGMyVmpjbVYwTFRNeSJ9XX0=" } } },
    { kind = "jwt-provider", name = "two", issuer = "two", json_web_key_set { local { jwks = "eyJrZXlzIjpbeyJrdHkiOiJvY3QiLCJhbGciOiJIUzI1NiIsImtpZCI6ImsiLCJrIjoiYzJWamNtVjBMWE5sWTNKbGRDMXpaV055WlhRdGMyVmpjbVYwTFRNeSJ9XX0=" } } },
    { kind = "service-intentions", name = "web", jwt { providers = [{ name = "one" }, { name = "two" }] }, sources = [{ name = "api", permissions = [{ action = "allow", http { path_exact = "/a" } }, { action = "deny", http { path_prefix = "/" } }] }, { name = "ads", action = "deny" }] },
  ]
}
