// Two upstreams with routes of their own lead to one service, whose cluster is there once.
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
          { destination_name = "admin", local_bind_port = 5001 },
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
      kind = "service-router"
      name = "api"
      routes = [
        { match = { http = { path_prefix = "/s" } }, destination = { service = "shop" } },
      ]
    },
    {
      kind = "service-router"
      name = "admin"
      routes = [
        { match = { http = { path_prefix = "/s" } }, destination = { service = "shop" } },
      ]
    },
  ]
}
