// A listener cannot bind to a host name: that upstream is refused and the rest is served.
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
        upstreams {
          destination_name = "api"
          local_bind_port  = 5001
          local_bind_address = "localhost"
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
