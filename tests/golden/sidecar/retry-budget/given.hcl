// At most a tenth of the requests on their way to any upstream may be retries; to one of them more.
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
          { destination_name = "db", local_bind_port = 5001 },
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
    name = "db"
    id   = "db-1"
    port = 5432
    connect { sidecar_service { port = 20100 } }
  }
}

config_entries {
  bootstrap = [
    { kind = "service-defaults", name = "api", protocol = "http" },
    {
      kind = "service-defaults"
      name = "web"
      upstream_config = {
        defaults  = { limits = { retry_budget = { percent = 10 } } }
        overrides = [{ name = "db", limits = { max_connections = 7, retry_budget = { percent = 50.5, min_retry_concurrency = 0 } } }]
      }
    },
  ]
}
