// Mutual TLS, and who may call; at an IPv6 address.
grpc {
  id        = "echo"
  listeners = ["grpc/server?xds.resource.listening_address=[::]:50051"]
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
  bootstrap = [{
    kind    = "service-intentions"
    name    = "echo"
    sources = [{ name = "web", action = "allow" }, { name = "bad", action = "deny" }]
  }]
}
