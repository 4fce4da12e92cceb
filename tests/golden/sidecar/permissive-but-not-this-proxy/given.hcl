// The service is permissive, and this proxy of it says that it is not.
proxy = "web-sidecar-proxy"

node {
  name    = "n1"
  address = "10.0.0.1"
  service {
    name = "web"
    port = 8080
    connect { sidecar_service {
      port = 21000
      proxy { mutual_tls_mode = "strict" }
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
      kind = "service-defaults"
      name = "web"
      protocol = "http"
      mutual_tls_mode = "permissive"
    },
  ]
}
