// What listens beside the proxy is asked, by gRPC; when it cannot be asked nobody passes.
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
          required = true
          arguments = {
            proxy_type = "connect-proxy"
            config {
              grpc_service {
                target { uri = "localhost:9191", timeout = "250ms" }
                authority = "authz.local"
                initial_metadata = [{ key = "tenant", value = "a" }]
              }
              include_peer_certificate = true
              metadata_context_namespaces = ["consul"]
              stat_prefix = "asked"
              status_on_error = 503
              bootstrap_metadata_labels_key = "labels"
              with_request_body { max_request_bytes = 1024, allow_partial_message = true, pack_as_bytes = true }
            }
          }
        },
      ]
    },
  ]
}
