// Timeouts towards the application.
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
          protocol                 = "http"
          local_connect_timeout_ms = 1000
          local_request_timeout_ms = 0
          local_idle_timeout_ms    = 90000
        }
      }
    } }
  }
}
