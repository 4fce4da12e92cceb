// An instance of the upstream is registered by host name: Envoy resolves all of them.
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
  service {
    name = "db"
    port = 5432
    connect { sidecar_service { port = 20000 } }
  }
}

node {
  name    = "n2"
  address = "db-2.internal"
  service {
    name = "db"
    port = 5432
    connect { sidecar_service { port = 20000 } }
  }
}
