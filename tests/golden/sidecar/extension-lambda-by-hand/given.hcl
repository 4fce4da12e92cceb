// What somebody wrote for instances does not lead to a function.
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
          { destination_name = "resize", local_bind_port = 5000, config = { envoy_cluster_json = "{\"name\": \"resize.default.dc1.internal.11111111-2222-3333-4444-555555555555.consul\"}" } },
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
          arguments = { arn = "arn:aws:lambda:us-west-2:111111111111:function:resize" }
        },
      ]
    },
  ]
}
