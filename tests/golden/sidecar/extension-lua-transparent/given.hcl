// The requests of an application that knows of no proxy.
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
        proxy {
          mode = "transparent"
          upstreams { destination_name = "db" local_bind_port = 9191 }
        }
      }
    }
  }
}

node {
  name    = "n2"
  address = "10.0.0.2"
  service {
    name = "db"
    port = 7001
    connect { sidecar_service {} }
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
          arguments = { proxy_type = "connect-proxy", listener = "outbound", script = "function envoy_on_request(handle) handle:headers():add(\"x-seen\", \"yes\") end" }
        },
      ]
    },
    { kind = "service-defaults", name = "db", protocol = "http" },
  ]
}
