// The application listens on a unix socket.
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
        local_service_socket_path = "/run/web/web.sock"
      }
    } }
  }
}
