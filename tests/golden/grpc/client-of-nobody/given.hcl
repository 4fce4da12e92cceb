// A name that is no service's has nothing.
grpc {
  id        = "caller"
  asks      = true
  listeners = ["nobody"]
}

node {
  name    = "n1"
  address = "10.0.0.1"
  service {
    name = "echo"
    port = 50051
  }
}
