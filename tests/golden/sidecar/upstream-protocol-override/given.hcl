// The caller says what the upstream speaks: the cluster has a name of its own.
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
          config { protocol = "http" }
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
