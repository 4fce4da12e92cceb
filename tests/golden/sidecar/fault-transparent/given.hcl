// Of the services that a transparent proxy is led to, the one whose route has a fault gets the filter for it.
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
}

config_entries {
  bootstrap = [
    { kind = "service-defaults", name = "shop", protocol = "http" },
    {
      kind   = "service-router"
      name   = "shop"
      routes = [{ destination = { fault = { delay = { percent = 5, duration = "1s" } } } }]
    },
  ]
}
