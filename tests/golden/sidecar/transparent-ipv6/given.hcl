// A transparent proxy at an address of IPv6 is led connections over IPv6 too, and knows instances by their addresses there.
proxy = "web-sidecar-proxy"
default_intention_policy = "allow"

node {
  name    = "n1"
  address = "fd00::1"
  service {
    name = "web"
    port = 8080
    connect {
      sidecar_service {
        proxy {
          mode = "transparent"
          config { bind_address = "::" }
        }
      }
    }
  }
}

node {
  name    = "n2"
  address = "fd00::2"
  service {
    name = "db"
    port = 5432
    connect {
      sidecar_service {
        address = "fd00::3"
        proxy { transparent_proxy { dialed_directly = true } }
      }
    }
  }
}
