// The first route that matches is taken: the order is that of the entry.
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
          { destination_name = "api", local_bind_port = 5000 },
        ]
      }
    } }
  }
  service {
    name = "api"
    port = 9000
    connect { sidecar_service { port = 20000 } }
  }
  service {
    name = "admin"
    port = 9100
    connect { sidecar_service { port = 20001 } }
  }
}

config_entries {
  bootstrap = [
    { kind = "service-defaults", name = "api", protocol = "http" },
    { kind = "service-defaults", name = "admin", protocol = "http" },
    {
      kind = "service-router"
      name = "api"
      routes = [
        { match = { http = { path_prefix = "/b" } }, destination = { service = "admin" } },
        { match = { http = { path_prefix = "/a" } } },
        { match = { http = { path_exact = "/b" } }, destination = { service = "api" } },
      ]
    },
  ]
}
