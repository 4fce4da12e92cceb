// There is no place by a filter that is not there.
proxy = "web-sidecar-proxy"
default_intention_policy = "allow"

node {
  name    = "n1"
  address = "10.0.0.1"
  service {
    name = "web"
    port = 8080
    connect {
      sidecar_service {
      }
    }
  }
}

config_entries {
  bootstrap = [
    {
      kind = "service-defaults"
      name = "web"
      protocol = "http"
      envoy_extensions = [
        {
          name = "builtin/ext-authz"
          arguments = {
            insert_options { location = "BeforeLastMatch", filter_name = "envoy.filters.http.cors" }
            config { grpc_service { target { uri = "localhost:9191" } } }
          }
        },
      ]
    },
  ]
}
