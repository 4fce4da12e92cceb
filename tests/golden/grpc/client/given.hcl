// A client that asks by metadata: the applications themselves, beside their sidecars.
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
