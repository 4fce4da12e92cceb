// The port of the registration comes before that of the service, and that before the one of all.
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
          transparent_proxy { outbound_listener_port = 15003 }
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
    { kind = "service-defaults", name = "web", transparent_proxy { outbound_listener_port = 15002 } },
  ]
}
