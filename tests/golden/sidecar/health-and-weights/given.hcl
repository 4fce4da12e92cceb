// Instances on four nodes: good, in warning with less weight, critical, and one that speaks TLS itself at its own address.
proxy = "web-sidecar-proxy"

node {
  name    = "n1"
  address = "10.0.0.1"
  service {
    name = "web"
    port = 8080
    connect { sidecar_service {
      port = 21000
      proxy {
        upstreams {
          destination_name = "db"
          local_bind_port  = 5000
        }
      }
    } }
  }
}

node {
  name    = "n2"
  address = "10.0.0.2"
  service {
    name = "db"
    port = 5432
    connect { sidecar_service { port = 20000 } }
  }
}

node {
  name    = "n3"
  address = "10.0.0.3"
  service {
    name = "db"
    port = 5432
    connect { sidecar_service {
      port = 20000
      weights { passing = 10, warning = 3 }
      checks = [{ name = "load", check_id = "load", ttl = "10s" }]
    } }
  }
  health {
    load = "warning"
  }
}

node {
  name    = "n4"
  address = "10.0.0.4"
  service {
    name = "db"
    port = 5432
    connect { sidecar_service { port = 20000, weights { passing = 10, warning = 3 } } }
  }
  health {
    "service:db-sidecar-proxy:1" = "critical"
  }
}

node {
  name    = "n5"
  address = "10.0.0.5"
  service {
    name = "db"
    address = "10.0.0.50"
    port = 5432
    connect { native = true }
    check { name = "alive", check_id = "alive", ttl = "10s" }
  }
}
