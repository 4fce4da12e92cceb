// A redirect to a service that is redirected.
proxy = "web-sidecar-proxy"

node {
  name    = "n1"
  address = "10.0.0.1"
  service {
    name = "web"
    port = 8080
    connect { sidecar_service = {
      port = 21000
      proxy = {
        upstreams = [
          { destination_name = "a", local_bind_port = 5000 },
        ]
      }
    } }
  }
  service {
    name = "c"
    port = 9100
    connect { sidecar_service { port = 20000 } }
  }
}

config_entries {
  bootstrap = [
    { kind = "service-resolver", name = "a", redirect = { service = "b" } },
    { kind = "service-resolver", name = "b", redirect = { service = "c" } },
  ]
}
