// Everything that can be tried again; what is asked for twice is there once.
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
}

config_entries {
  bootstrap = [
    { kind = "service-defaults", name = "api", protocol = "http" },
    {
      kind = "service-router"
      name = "api"
      routes = [
        {
          match = { http = { path_prefix = "/a" } }
          destination = {
            num_retries = 5
            retry_on_connect_failure = true
            retry_on = ["connect-failure", "unavailable"]
            retry_on_status_codes = [500]
          }
        },
      ]
    },
  ]
}
