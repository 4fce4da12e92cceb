// A sidecar of a service that speaks TCP and calls nobody. Nobody may call it either: the default is deny.
proxy = "web-sidecar-proxy"

node {
  name    = "n1"
  address = "10.0.0.1"
  service {
    name = "web"
    port = 8080
    connect { sidecar_service {
      port = 21000
    } }
  }
}
