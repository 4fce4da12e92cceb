// What is said of calls that go out stands.
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
      kind = "mesh"
      tls {
        incoming { tls_min_version = "TLSv1_3" }
        outgoing { tls_min_version = "TLSv1_2", tls_max_version = "TLSv1_3" }
      }
    },
    {
      kind = "service-defaults"
      name = "web"
      protocol = "http"
    },
  ]
}
