// No more than 100 connections, over TCP and to the application.
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
        config { max_inbound_connections = 100 }
      }
    } }
  }
}
