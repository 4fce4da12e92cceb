// Connections are spread exactly over the workers.
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
        config { balance_inbound_connections = "exact_balance" }
      }
    } }
  }
}
