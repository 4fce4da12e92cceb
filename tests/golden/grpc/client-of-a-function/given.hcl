// A function is called by Envoy, which signs; gRPC does not.
grpc {
  id        = "caller"
  asks      = true
  listeners = ["resize"]
}

node {
  name    = "n1"
  address = "10.0.0.1"
  service {
    name = "resize"
    port = 9100
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
