// The application reaches the upstream by a unix socket with permissions.
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
          local_bind_socket_path = "/run/web/db.sock"
          local_bind_socket_mode = "0640"
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
