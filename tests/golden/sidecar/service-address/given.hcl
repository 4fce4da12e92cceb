// A sidecar with an address listens there and nowhere else.
proxy = "web-sidecar-proxy"

node {
  name    = "n1"
  address = "10.0.0.1"
  service {
    name = "web"
    port = 8080
    connect { sidecar_service {
      port = 21000
      address = "10.0.0.9"
    } }
  }
}
