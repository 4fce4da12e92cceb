// What is made of a request before rules see it.
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
      kind     = "service-defaults"
      name     = "web"
      protocol = "http"
    },
    {
      kind = "mesh"
      http { incoming { request_normalization {
        merge_slashes                    = true
        path_with_escaped_slashes_action = "UNESCAPE_AND_FORWARD"
        headers_with_underscores_action  = "REJECT_REQUEST"
      } } }
    },
  ]
}
