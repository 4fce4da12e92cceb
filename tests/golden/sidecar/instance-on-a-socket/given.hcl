// An instance of the upstream takes connections on a unix socket.
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
    socket_path = "/run/db/mesh.sock"
    connect { native = true }
  }
}
