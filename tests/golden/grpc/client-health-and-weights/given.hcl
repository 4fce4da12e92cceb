// Good with weight, in warning with less, critical.
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
    weights { passing = 10, warning = 3 }
  }
}

node {
  name    = "n2"
  address = "10.0.0.2"
  service {
    name = "echo"
    port = 50051
    weights { passing = 10, warning = 3 }
    check { name = "load", check_id = "load", ttl = "10s" }
  }
  health {
    load = "warning"
  }
}

node {
  name    = "n3"
  address = "10.0.0.3"
  service {
    name = "echo"
    port = 50051
    check { name = "alive", check_id = "alive", ttl = "10s" }
  }
  health {
    alive = "critical"
  }
}
