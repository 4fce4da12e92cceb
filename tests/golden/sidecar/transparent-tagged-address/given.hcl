// What a scheduler calls the service at is one of its addresses; of IPv6, too.
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
        tagged_addresses { virtual { address = "172.30.0.9" port = 5432 } }
      }
    }
  }
  service {
    name = "shop"
    port = 8081
    connect {
      sidecar_service {
        tagged_addresses { virtual { address = "fd00::9" port = 81 } }
      }
    }
  }
  service {
    name = "stock"
    port = 8082
    connect {
      sidecar_service {
        tagged_addresses { virtual { address = "172.30.0.9" port = 5432 } }
      }
    }
  }
}
