// A proxy whose registration says direct is not transparent, whatever is said of all.
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
          mode = "direct"
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
    { kind = "proxy-defaults", name = "global", mode = "transparent" },
  ]
}
