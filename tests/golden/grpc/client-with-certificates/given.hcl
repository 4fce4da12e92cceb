// Mutual TLS: whatever takes it, sidecars and native programs, and the identity they must prove.
grpc {
  id        = "web"
  listeners = ["echo"]
  certificate_providers {
    identity = "leaf"
    roots    = "roots"
  }
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
    port = 50051
    connect { sidecar_service { port = 20000 } }
  }
}

node {
  name    = "n3"
  address = "10.0.0.3"
  service {
    name = "echo"
    port = 50051
    connect { native = true }
  }
}

node {
  name    = "n4"
  address = "10.0.0.4"
  service {
    name = "echo"
    port = 50051
  }
}
