// Paths stay as they came: the mesh asks for it by a name that says what that is.
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
        insecure_disable_path_normalization = true
        path_with_escaped_slashes_action    = "KEEP_UNCHANGED"
        headers_with_underscores_action     = "DROP_HEADER"
      } } }
    },
  ]
}
