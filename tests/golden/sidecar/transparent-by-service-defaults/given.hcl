// service-defaults say how connections get to the proxy, and proxy-defaults where.
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
    port = 5432
    connect {
      sidecar_service {
      }
    }
  }
}

config_entries {
  bootstrap = [
    { kind = "service-defaults", name = "web", mode = "transparent" },
    { kind = "proxy-defaults", name = "global", transparent_proxy { outbound_listener_port = 15004 } },
  ]
}
