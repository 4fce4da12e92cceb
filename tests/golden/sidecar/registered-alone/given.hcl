// The proxy is registered by itself, not inside its service.
proxy = "web-sidecar-proxy"

node {
  name    = "n1"
  address = "10.0.0.1"
  service {
    name = "web"
    port = 8080
  }
  service {
    kind = "connect-proxy"
    name = "web-sidecar-proxy"
    port = 21000
    proxy {
      destination_service_name = "web"
      destination_service_id   = "web"
      local_service_port       = 8080
    }
  }
}
