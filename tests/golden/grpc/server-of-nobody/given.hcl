// A program that stands for no service serves nobody.
default_intention_policy = "allow"

grpc {
  id        = "echo"
  asks      = true
  listeners = ["grpc/server?xds.resource.listening_address=0.0.0.0:50051"]
}

node {
  name    = "n1"
  address = "10.0.0.1"
  service {
    name = "echo"
    port = 50051
  }
}
