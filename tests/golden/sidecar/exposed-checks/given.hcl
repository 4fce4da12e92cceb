// The agent asks for the application's health through the proxy; nobody else may, but from this machine.
proxy = "web-sidecar-proxy"

node {
  name    = "n1"
  address = "10.0.0.1"
  service {
    name = "web"
    port = 8080
    checks = [
      { http = "http://127.0.0.1:8080/health?deep=true" interval = "10s" },
      { grpc = "127.0.0.1:9090/web.Front" interval = "10s" },
      { http = "https://127.0.0.1:8443/health" interval = "10s" },
      { tcp = "127.0.0.1:8080" interval = "10s" },
    ]
    connect { sidecar_service {
      port = 21000
    } }
  }
}

config_entries {
  bootstrap = [
    {
      kind = "service-defaults"
      name = "web"
      protocol = "http"
      expose { checks = true }
    },
  ]
}
