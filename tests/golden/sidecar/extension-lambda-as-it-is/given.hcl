// A function that gets bodies as they are, whose result nobody waits for, and AWS known by authorities of another file.
proxy = "web-sidecar-proxy"

node {
  name    = "n1"
  address = "10.0.0.1"
  service {
    name = "web"
    port = 8080
    connect { sidecar_service = {
      port = 21000
      proxy = {
        upstreams = [
          { destination_name = "resize", local_bind_port = 5000, config = { limits = { max_connections = 7 }, connect_timeout_ms = 800 } },
        ]
      }
    } }
  }
}

config_entries {
  bootstrap = [
    {
      kind = "service-defaults"
      name = "resize"
      protocol = "http"
      envoy_extensions = [
        {
          name = "builtin/aws/lambda"
          arguments = { arn = "arn:aws:lambda:us-west-2:111111111111:function:resize", payload_passthrough = true, invocation_mode = "asynchronous", trusted_ca = "/etc/ssl/certs/ca-certificates.crt" }
        },
      ]
    },
  ]
}
