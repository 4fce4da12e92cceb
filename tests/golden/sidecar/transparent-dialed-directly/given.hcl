// Instances may be called at their own addresses; the first of two services at one address has it.
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
        address = "10.1.0.1"
        proxy { transparent_proxy { dialed_directly = true } }
      }
    }
  }
  service {
    name = "shop"
    port = 8081
    connect {
      sidecar_service {
        address = "10.1.0.2"
      }
    }
  }
  service {
    name = "stock"
    port = 8082
    connect {
      sidecar_service {
        address = "10.1.0.1"
      }
    }
  }
}

config_entries {
  bootstrap = [
    { kind = "service-defaults", name = "stock", transparent_proxy { dialed_directly = true } },
  ]
}
