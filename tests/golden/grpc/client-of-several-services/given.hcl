// A native program that calls two services, one of them itself.
grpc {
  id        = "web"
  listeners = ["echo", "web"]
}

node {
  name    = "n1"
  address = "10.0.0.1"
  service {
    name = "web"
    port = 50051
    connect { native = true }
  }
}

node {
  name    = "n2"
  address = "10.0.0.2"
  service {
    name = "echo"
    port = 50052
    connect { native = true }
  }
}
