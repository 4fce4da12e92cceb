// A copy is for instances: the splitter of the service that gets it is not asked.
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
    id   = "api-1"
    port = 9000
    connect { sidecar_service { port = 20000 } }
  }
  service {
    name = "shadow"
    id   = "shadow-1"
    port = 9100
    connect { sidecar_service { port = 20100 } }
  }
}

config_entries {
  bootstrap = [
    { kind = "service-defaults", name = "api", protocol = "http" },
    { kind = "service-defaults", name = "shadow", protocol = "http" },
    {
      kind = "service-splitter"
      name = "shadow"
      splits = [{ weight = 50, service = "api" }, { weight = 50 }]
    },
    {
      kind = "service-router"
      name = "api"
      routes = [{
        match       = { http = { path_prefix = "/v1" } }
        destination = { request_mirror = { service = "shadow" } }
      }]
    },
  ]
}
