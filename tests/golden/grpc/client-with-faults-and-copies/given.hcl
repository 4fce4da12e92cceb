// gRPC puts faults in the way of calls itself; it sends no copies, which is told.
grpc {
  id        = "caller"
  asks      = true
  listeners = ["echo"]
}

node {
  name    = "n1"
  address = "10.0.0.1"
}

node {
  name    = "n2"
  address = "10.0.0.2"
  service {
    name = "echo"
    port = 50051
    connect { sidecar_service { port = 20000 } }
  }
}

config_entries {
  bootstrap = [
    { kind = "service-defaults", name = "echo", protocol = "grpc" },
    { kind = "service-defaults", name = "shadow", protocol = "grpc" },
    {
      kind = "service-router"
      name = "echo"
      routes = [{
        match = { http = { path_prefix = "/test.Echo/" } }
        destination = {
          request_mirror = { service = "shadow" }
          fault          = { abort = { percent = 10, grpc_status = 14 } }
        }
      }]
    },
  ]
}
