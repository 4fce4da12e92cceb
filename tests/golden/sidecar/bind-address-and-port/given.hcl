// The public listener binds to an address and port of its own.
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
        config {
          bind_address = "10.0.0.1"
          bind_port    = 443
        }
      }
    } }
  }
}
