// Addresses of the sixth version, for both listeners and for the instance.
proxy = "web-sidecar-proxy"

node {
  name    = "n1"
  address = "fd00::1"
  service {
    name = "web"
    port = 8080
    connect { sidecar_service {
      port = 21000
      proxy {
        upstreams {
          destination_name = "db"
          local_bind_port  = 5000
          local_bind_address = "::1"
        }
        config { bind_address = "::" }
      }
    } }
  }
  service {
    name = "db"
    port = 5432
    connect { sidecar_service { port = 20000 } }
  }
}
