// A script sees every request that goes out over HTTP; what is not HTTP is left alone.
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
          upstreams { destination_name = "db" local_bind_port = 9191 }
          upstreams { destination_name = "shop" local_bind_port = 9192 }
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
  service {
    name = "shop"
    port = 7002
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
    { kind = "service-defaults", name = "db", protocol = "tcp" },
    { kind = "service-defaults", name = "shop", protocol = "http" },
  ]
}
