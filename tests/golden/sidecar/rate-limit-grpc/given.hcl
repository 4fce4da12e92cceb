// A gRPC client is told that the resource is exhausted.
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

config_entries {
  bootstrap = [
    {
      kind = "service-defaults"
      name = "web"
      protocol = "grpc"
      rate_limits { instance_level { requests_per_second = 100 } }
    },
  ]
}
