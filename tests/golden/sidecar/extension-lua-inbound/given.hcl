// A script sees every request that comes in, after the rules.
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
          arguments = { proxy_type = "connect-proxy", listener = "inbound", script = "function envoy_on_request(handle) handle:headers():add(\"x-seen\", \"yes\") end" }
        },
      ]
    },
  ]
}
