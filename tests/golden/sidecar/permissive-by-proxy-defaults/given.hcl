// All services are permissive.
proxy = "web-sidecar-proxy"

node {
  name    = "n1"
  address = "10.0.0.1"
  service {
    name = "web"
    port = 8080
    connect { sidecar_service {
      port = 21000
    } }
  }
}

config_entries {
  bootstrap = [
    {
      kind = "mesh"
      allow_enabling_permissive_mutual_tls = true
    },
    {
      kind = "proxy-defaults"
      name = "global"
      mutual_tls_mode = "permissive"
    },
  ]
}
