// Two services over TCP and HTTP, one of them on an address of its own.
proxy = "web-sidecar-proxy"

node {
  name    = "n1"
  address = "10.0.0.1"
  service {
    name = "web"
    port = 8080
    connect { sidecar_service {
      port = 21000
      proxy {
        upstreams {
          destination_name = "db"
          local_bind_port  = 5000
        }
        upstreams {
          destination_name = "api"
          local_bind_port  = 5001
          local_bind_address = "127.0.0.2"
        }
      }
    } }
  }
  service {
    name = "db"
    port = 5432
    connect { sidecar_service { port = 20000 } }
  }
  service {
    name = "api"
    port = 9000
    connect { sidecar_service { port = 20001 } }
  }
}

config_entries {
  bootstrap = [
    {
      kind     = "service-defaults"
      name     = "api"
      protocol = "http"
    },
  ]
}
