// A path that is asked for in HTTP/2, of an application that speaks HTTP/1.1 otherwise.
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
      protocol = "http"
      expose { paths = [{ path = "/grpc.health.v1.Health/Check", listener_port = 21500, local_path_port = 8080, protocol = "http2" }] }
    },
  ]
}
