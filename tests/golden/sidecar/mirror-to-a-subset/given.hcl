// Copies go to another subset of the service that the requests go to.
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
    meta = { version = "v1" }
    connect { sidecar_service { port = 20000 } }
  }
  service {
    name = "api"
    id   = "api-2"
    port = 9001
    meta = { version = "v2" }
    connect { sidecar_service { port = 20001 } }
  }
}

config_entries {
  bootstrap = [
    { kind = "service-defaults", name = "api", protocol = "http" },
    {
      kind = "service-resolver"
      name = "api"
      subsets = {
        v1 = { filter = "Service.Meta.version == v1" }
        v2 = { filter = "Service.Meta.version == v2" }
      }
      default_subset = "v1"
    },
    {
      kind = "service-router"
      name = "api"
      routes = [{
        match       = { http = { path_prefix = "/v1" } }
        destination = { request_mirror = { service_subset = "v2", percent = 0.5 } }
      }]
    },
  ]
}
