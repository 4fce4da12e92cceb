// A split behind a split: one, with the product of both.
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
  service {
    name = "shop"
    port = 9200
    connect { sidecar_service { port = 20002 } }
  }
}

config_entries {
  bootstrap = [
    { kind = "service-defaults", name = "api", protocol = "http" },
    { kind = "service-defaults", name = "admin", protocol = "http" },
    { kind = "service-defaults", name = "shop", protocol = "http" },
    {
      kind = "service-splitter"
      name = "api"
      splits = [
        { weight = 50, response_headers = { set = { x = "outer" } } },
        { weight = 50, service = "admin", request_headers = { set = { x = "outer" } } },
      ]
    },
    {
      kind = "service-splitter"
      name = "admin"
      splits = [
        { weight = 20, service = "admin", request_headers = { set = { x = "inner" } } },
        { weight = 80, service = "shop" },
      ]
    },
  ]
}
