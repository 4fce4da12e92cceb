// A method is a path. What would need a token denies, for a gRPC server proves none.
grpc {
  id        = "echo"
  listeners = ["grpc/server?xds.resource.listening_address=10.0.0.1:50051"]
  certificate_providers {
    identity = "leaf"
    roots    = "roots"
  }
}

node {
  name    = "n1"
  address = "10.0.0.1"
  service {
    name = "echo"
    port = 50051
    connect { native = true }
  }
}

config_entries {
  bootstrap = [
    {
      kind     = "service-defaults"
      name     = "echo"
      protocol = "grpc"
    },
    {
      kind = "jwt-provider"
      name = "okta"
      json_web_key_set { local { jwks = "eyJrZXlzIjpbXX0=" } }
    },
    {
      kind = "service-intentions"
      name = "echo"
      sources = [
        { name = "web", permissions = [
          { action = "deny", http { path_exact = "/echo.Echo/Forget" } },
          { action = "allow", http { path_prefix = "/echo.Echo/", header = [{ name = "x-team", exact = "a" }] } },
        ] },
        { name = "shop", permissions = [{ action = "allow", jwt { providers = [{ name = "okta" }] } }] },
      ]
    },
  ]
}
