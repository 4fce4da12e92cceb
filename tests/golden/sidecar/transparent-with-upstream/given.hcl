// An upstream with a port of its own has its listener, and the service is known by its address too.
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
          upstreams { destination_name = "db" local_bind_port = 9191 }
          upstreams { destination_name = "shop" local_bind_port = 9192 config { protocol = "http" } }
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
