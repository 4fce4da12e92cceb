// Requests are counted after the rules, half of those too many are turned away, of three quarters that are counted.
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
          name = "builtin/http/localratelimit"
          arguments = { proxy_type = "connect-proxy", max_tokens = 3, tokens_per_fill = 2, fill_interval = 10, filter_enabled = 75, filter_enforced = 50 }
        },
      ]
    },
  ]
}
