// Two targets, one service.
grpc {
  id        = "caller"
  asks      = true
  listeners = ["echo", "echo:443"]
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
  }
}
