// A function stands in while no instance is alive.
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
          { destination_name = "api", local_bind_port = 5000 },
        ]
      }
    } }
  }
  service {
    name = "api"
    port = 9000
    connect { sidecar_service { port = 20000 } }
  }
}

config_entries {
  bootstrap = [
    { kind = "service-defaults", name = "api", protocol = "http" },
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
    { kind = "service-resolver", name = "api", failover = { "*" = { service = "resize" } } },
  ]
}
