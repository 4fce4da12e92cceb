// What the service exposes stands in place of what all expose.
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
      kind = "service-defaults"
      name = "web"
      protocol = "http"
      expose { paths = [{ path = "/ready", listener_port = 21600, local_path_port = 8080 }] }
    },
    {
      kind = "proxy-defaults"
      name = "global"
      expose { paths = [{ path = "/health", listener_port = 21500, local_path_port = 8080 }] }
    },
  ]
}
