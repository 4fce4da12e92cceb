// The registration says tcp over the http of service-defaults: there are no requests to count, which is told.
proxy = "web-sidecar-proxy"

node {
  name    = "n1"
  address = "10.0.0.1"
  service {
    name = "web"
    port = 8080
    connect { sidecar_service {
      port = 21000
      proxy { config { protocol = "tcp" } }
    } }
  }
}

config_entries {
  bootstrap = [
    {
      kind = "service-defaults"
      name = "web"
      protocol = "http"
      rate_limits { instance_level { requests_per_second = 100 } }
    },
  ]
}
