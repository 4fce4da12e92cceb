// Without rules a transparent proxy is led to every service of the mesh, and to whatever else is called.
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
  ]
}
