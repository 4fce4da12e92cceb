// Instances of a function are nobody's to call: one stands in the catalog, as Consul's guide has it.
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
          { destination_name = "resize", local_bind_port = 5000 },
        ]
      }
    } }
  }
  service {
    name = "resize"
    port = 9100
    connect { sidecar_service { port = 20001 } }
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
