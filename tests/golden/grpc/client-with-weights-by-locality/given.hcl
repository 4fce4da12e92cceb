// A program that says in its node where it is, and deals out by the weights that are said.
grpc {
  id        = "caller"
  asks      = true
  listeners = ["api"]
  locality { region = "r1", zone = "a" }
}

node {
  name    = "n1"
  address = "10.0.0.1"
}

node {
  name    = "n2"
  address = "10.0.0.2"
  locality { region = "r2", zone = "a" }
  service {
    name = "api"
    id   = "api-2"
    port = 9000
    connect { sidecar_service { port = 20000 } }
  }
}

node {
  name    = "n3"
  address = "10.0.0.3"
  locality { region = "r1", zone = "a" }
  service {
    name = "api"
    id   = "api-3"
    port = 9000
    connect { sidecar_service { port = 20000 } }
  }
}

node {
  name    = "n4"
  address = "10.0.0.4"
  locality { region = "r1", zone = "b" }
  service {
    name = "api"
    id   = "api-4"
    port = 9000
    connect { sidecar_service { port = 20000 } }
  }
}

node {
  name    = "n5"
  address = "10.0.0.5"
  service {
    name = "api"
    id   = "api-5"
    port = 9000
    connect { sidecar_service { port = 20000 } }
  }
}

node {
  name    = "n6"
  address = "10.0.0.6"
  locality { region = "r1", zone = "c" }
  service {
    name = "api"
    id   = "api-6"
    port = 9000
    connect { sidecar_service { port = 20000 } }
  }
}

node {
  name    = "n7"
  address = "10.0.0.7"
  locality { region = "r1", zone = "c" }
  service {
    name = "api"
    id   = "api-7"
    port = 9000
    connect { sidecar_service { port = 20000 } }
  }
}

config_entries {
  bootstrap = [
    { kind = "service-resolver", name = "api", prioritize_by_locality = { mode = "weighted", weights = { same_zone = 80, same_region = 15, elsewhere = 5 } } },
  ]
}
