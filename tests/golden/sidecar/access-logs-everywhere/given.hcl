// Exposed paths and callers without a certificate are written about too.
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
      kind = "proxy-defaults"
      name = "global"
      access_logs { enabled = true }
    },
    {
      kind = "mesh"
      allow_enabling_permissive_mutual_tls = true
    },
    {
      kind = "service-defaults"
      name = "web"
      protocol = "http"
      mutual_tls_mode = "permissive"
      expose { paths = [{ path = "/ready", listener_port = 21500, local_path_port = 8080 }] }
    },
  ]
}
