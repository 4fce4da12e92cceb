// A rule for one destination comes before the one for all.
proxy = "web-sidecar-proxy"
default_intention_policy = "deny"

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
  service {
    name = "shop"
    port = 8081
    connect {
      sidecar_service {
      }
    }
  }
  service {
    name = "cache"
    port = 6379
    connect {
      sidecar_service {
      }
    }
  }
}

config_entries {
  bootstrap = [
    { kind = "service-intentions", name = "*", sources = [{ name = "web", action = "allow" }] },
    { kind = "service-intentions", name = "db", sources = [{ name = "web", action = "deny" }] },
    { kind = "service-intentions", name = "cache", sources = [{ name = "*", action = "deny" }] },
  ]
}
