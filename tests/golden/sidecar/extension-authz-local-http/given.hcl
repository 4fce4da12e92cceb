// The same over HTTP, with the headers that go there and come back.
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
            config {
              http_service {
                target { uri = "127.0.0.1:9191" }
                path_prefix = "/check"
                authorization_request {
                  allowed_headers = [{ exact = "authorization" }, { prefix = "x-", ignore_case = true }]
                  headers_to_add = [{ key = "x-from", value = "web" }]
                }
                authorization_response {
                  allowed_upstream_headers = [{ safe_regex = "x-user-.*" }]
                  allowed_upstream_headers_to_append = [{ suffix = "-more" }]
                  allowed_client_headers = [{ contains = "reason" }]
                  allowed_client_headers_on_success = [{ exact = "x-ok" }]
                  dynamic_metadata_from_headers = [{ exact = "x-meta" }]
                }
              }
              clear_route_cache = true
            }
          }
        },
      ]
    },
  ]
}
