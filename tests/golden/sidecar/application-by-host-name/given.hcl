// The application runs elsewhere, under a name that Envoy resolves.
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
        local_service_address = "web.internal"
        local_service_port    = 8081
      }
    } }
  }
}
