// With a body, attributes, and how to send them.
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
          name = "builtin/otel-access-logging"
          arguments = {
            listener_type = "inbound"
            config {
              log_name = "requests"
              grpc_service { target { uri = "localhost:4317" } }
              buffer_flush_interval = "5s"
              buffer_size_bytes = 4096
              filter_state_objects_to_log = ["a"]
              retry_policy { num_retries = 3, retry_back_off { base_interval = "1s", max_interval = "10s" } }
              body = "%REQ(:METHOD)%"
              attributes { status = "%RESPONSE_CODE%", nested = { list = ["a", 1, true, 1.5] } }
              resource_attributes { "service.name" = "web" }
            }
          }
        },
      ]
    },
  ]
}
