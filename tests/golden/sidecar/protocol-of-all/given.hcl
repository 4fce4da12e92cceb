// proxy-defaults give every service its protocol; one has another by its own service-defaults.
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
      }
    } }
  }
  service {
    name = "db"
    port = 5432
    connect { sidecar_service { port = 20000 } }
  }
}

config_entries {
  bootstrap = [
    {
      kind = "proxy-defaults"
      name = "global"
      config { protocol = "http" }
    },
    {
      kind     = "service-defaults"
      name     = "db"
      protocol = "grpc"
    },
  ]
}
