// Without certificates nobody can be told from anybody, so a rule for one closes the door to all.
default_intention_policy = "allow"

grpc {
  id        = "echo"
  listeners = ["grpc/server?xds.resource.listening_address=0.0.0.0:50051"]
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
    sources = [{ name = "web", action = "deny" }]
  }]
}
