// The application speaks something else, and HTTP for one path.
proxy = "web-sidecar-proxy"

node {
  name    = "n1"
  address = "10.0.0.1"
  service {
    name = "web"
    port = 8080
    connect { sidecar_service {
      port = 21000
      proxy { expose { paths = [
        { path = "/health", listener_port = 21500, local_path_port = 8080 },
        { path = "/metrics/app", listener_port = 21501, local_path_port = 9102 },
        { path = "/ready", listener_port = 21502, local_path_port = 9102 },
      ] } }
    } }
  }
}

config_entries {
  bootstrap = [
    {
      kind = "service-defaults"
      name = "web"
      protocol = "tcp"
    },
  ]
}
