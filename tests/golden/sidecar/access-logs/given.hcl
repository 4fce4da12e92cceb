// A line of JSON for each call, in and out, on standard output; and one for each connection that nobody takes.
proxy = "web-sidecar-proxy"

node {
  name    = "n1"
  address = "10.0.0.1"
  service {
    name = "web"
    port = 8080
    connect { sidecar_service {
      port = 21000
      proxy { upstreams { destination_name = "web", local_bind_port = 5000 } }
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
      kind = "service-defaults"
      name = "web"
      protocol = "http"
    },
  ]
}
