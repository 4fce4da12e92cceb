// Instances that gRPC cannot connect to are left out, and two registrations for one place are one.
grpc {
  id        = "caller"
  asks      = true
  listeners = ["echo"]
}

node {
  name    = "n1"
  address = "10.0.0.1"
  service {
    name = "echo"
    port = 50051
  }
  service {
    id   = "again"
    name = "echo"
    port = 50051
  }
  service {
    id          = "socket"
    name        = "echo"
    socket_path = "/run/echo"
  }
}

node {
  name    = "n2"
  address = "echo.example"
  service {
    name = "echo"
    port = 50051
  }
}
